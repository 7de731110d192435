"""What differs: planted answers come first, chance stays silent, words are right."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.difference_text import condition_text, sentence
from analysis.differences import Condition, Sample, differences
from analysis.value_columns import Range, encode
from analysis.value_sets import Counts, best_sets
from tests.analysis.incidents import (
    bad_deploy,
    errors_by_segment,
    slow_endpoint,
    texts,
)

INCIDENTS = [errors_by_segment, slow_endpoint, bad_deploy]


def of(incident, **more):
    return differences(incident.table, incident.selected, **more)


def keys(difference):
    return [condition.key for condition in difference.conditions]


def column(**columns):
    return pa.table({name: texts(values) for name, values in columns.items()})


def test_two_attributes_that_fail_together_come_first_as_a_pair():
    found = of(errors_by_segment()).found
    assert keys(found[0]) == ["tenant.tier", "cache.hit"]
    assert keys(found[1]) == ["tenant.tier"]
    assert found[1].conditions[0].values == ("enterprise",)
    assert found[0].phi > 2 * found[1].phi


def test_what_only_the_selection_has_is_a_symptom():
    (symptom,) = of(errors_by_segment()).symptoms
    assert keys(symptom) == ["error.type"]


def test_a_confounder_is_folded_under_what_explains_it():
    (first,) = of(slow_endpoint()).found
    assert first.conditions[0].values == ("enterprise",)
    assert [keys(folded) for folded in first.folded] == [["feature_flag.fast_checkout"]]


def test_values_are_put_together_and_keys_that_say_the_same_are_one():
    found = of(bad_deploy()).found
    assert keys(found[0]) == ["promo.code", "service.version"]
    codes, version = found[0].conditions
    assert codes.values == ("CODE1", "CODE2", "CODE3")
    assert version.values == ("2.0",)
    alone = next(each for each in found if keys(each) == ["service.version"])
    aliases = {condition.key for condition in alone.aliases}
    assert aliases == {"k8s.pod.name", "k8s.pod.uid", "service.instance.id"}
    assert not any("cart.items" in keys(each) for each in found)


@pytest.mark.parametrize("incident", INCIDENTS)
def test_examples_are_selected_rows_that_satisfy_the_conditions(incident):
    planted = incident()
    for each in of(planted).found:
        assert each.examples
        for row in each.examples:
            assert planted.selected[row]
            for condition in each.conditions:
                assert planted.table[condition.key][row].as_py() in condition.values


@pytest.mark.slow
@pytest.mark.parametrize("incident", INCIDENTS)
def test_labels_at_random_find_nothing(incident):
    planted = incident()
    loud = 0
    for seed in range(100):
        shuffled = np.random.default_rng(seed).permutation(planted.selected)
        found = differences(planted.table, shuffled, seed=seed)
        loud += bool(found.found or found.symptoms)
    assert loud <= 2


def test_the_noise_limit_is_that_of_labels_that_are_shuffled():
    planted = bad_deploy()
    random = np.random.default_rng(0)
    weight = random.choice([1.0, 10.0], len(planted.selected))
    limit = of(planted, weight=weight).chance.noise
    highest = [
        differences(planted.table, selected, weight).chance.highest
        for selected in (random.permutation(planted.selected) for _ in range(150))
    ]
    assert np.quantile(highest, 0.9) < limit < 1.3 * np.quantile(highest, 0.99)


def test_a_weighted_row_counts_for_as_many():
    planted = slow_endpoint()
    thrice = np.concatenate([np.arange(len(planted.selected))] * 3)
    weighted = of(planted, weight=np.full(len(planted.selected), 3.0))
    repeated = differences(planted.table.take(thrice), planted.selected[thrice])
    assert weighted.selected == repeated.selected == 3 * planted.selected.sum()
    one, other = weighted.found[0], repeated.found[0]
    assert one.conditions == other.conditions
    assert (one.selected, one.rest) == (other.selected, other.rest)
    assert one.phi == pytest.approx(other.phi)


def sampled(incident, keys, every):
    """Of these keys it is only known what they are in some rows."""
    rows = np.arange(0, len(incident.selected), every)
    sample = Sample(
        rows, incident.table.select(keys).take(rows), np.full(len(rows), every)
    )
    return differences(
        incident.table.drop_columns(keys), incident.selected, sample=sample
    )


def test_what_is_known_of_a_sample_is_estimated_and_told_with_the_rest():
    found = sampled(errors_by_segment(), ["cache.hit"], 2).found
    pair, tier = found[:2]
    assert keys(pair) == ["tenant.tier", "cache.hit"]
    assert pair.is_sampled
    exact = of(errors_by_segment()).found
    assert pair.selected == pytest.approx(exact[0].selected, rel=0.2)
    assert pair.phi == pytest.approx(exact[0].phi, rel=0.2)
    assert not tier.is_sampled
    assert (tier.selected, tier.rest) == (exact[1].selected, exact[1].rest)


def test_examples_of_what_is_known_of_a_sample_are_rows_of_all():
    planted = errors_by_segment()
    for each in sampled(planted, ["tenant.tier", "cache.hit"], 3).found:
        assert each.examples
        for row in each.examples:
            assert planted.selected[row]
            for condition in each.conditions:
                assert planted.table[condition.key][row].as_py() in condition.values


def test_a_sample_of_all_rows_tells_what_all_rows_tell():
    planted = bad_deploy()
    exact = of(planted)
    found = sampled(planted, ["service.version", "k8s.pod.name"], 1)
    assert [keys(each) for each in found.found] == [keys(each) for each in exact.found]
    assert [set(each.aliases) for each in found.found] == [
        set(each.aliases) for each in exact.found
    ]
    assert found.found[0].selected == exact.found[0].selected


def test_chance_is_measured_by_the_rows_that_are_known():
    found = sampled(bad_deploy(), ["service.version"], 2)
    assert found.sampled.noise > 0
    assert found.sampled.rest_rows < found.chance.rest_rows
    assert of(bad_deploy()).sampled is None


def test_a_sample_of_too_few_tells_nothing():
    planted = bad_deploy()
    few = Sample(np.arange(3), planted.table.select(["promo.code"])[:3], np.ones(3))
    rest = planted.table.drop_columns(["promo.code"])
    found = differences(rest, planted.selected, sample=few)
    assert keys(found.found[0]) == ["service.version"]


def test_keys_that_the_selection_was_made_by_are_not_looked_at():
    found = of(slow_endpoint(), given={"tenant.tier"})
    assert all("tenant.tier" not in keys(each) for each in found.found)
    assert of(slow_endpoint(), consequences={"tenant.tier"}).symptoms


def test_the_order_of_rows_changes_nothing():
    planted = bad_deploy()
    order = np.random.default_rng(4).permutation(len(planted.selected))
    turned = differences(planted.table.take(order), planted.selected[order])
    assert [each.conditions for each in turned.found] == [
        each.conditions for each in of(planted).found
    ]


def test_a_missing_value_can_be_what_differs():
    selected = np.arange(200) < 40
    names = [None if n < 38 or n > 196 else "eu" for n in range(200)]
    (found,) = differences(column(region=names), selected).found
    assert found.conditions == (Condition("region", (None,), 2),)


def test_a_large_number_can_be_what_differs():
    random = np.random.default_rng(6)
    items = random.integers(0, 1000, 1000)
    (found,) = differences(column(items=items), items >= 900).symptoms
    assert condition_text(found.conditions[0]) == "items>899"


def test_a_number_that_most_have_is_told_from_its_neighbours():
    retries = np.array([0] * 900 + list(range(1, 101)))
    (found,) = differences(
        column(retries=retries), (retries > 0) & (retries % 9 > 0)
    ).found
    assert condition_text(found.conditions[0]).startswith("retries>0")
    (encoded,) = encode(column(r=retries), retries >= 0).columns
    assert any(value.is_one_number and value.low == 0 for value in encoded.values)


def test_ids_are_left_out_with_a_reason_and_constants_without():
    table = column(
        id=[f"x{n}" for n in range(100)], same=["a"] * 100, none=[None] * 100
    )
    found = differences(table, np.arange(100) < 50)
    assert list(found.left_out) == ["id"]
    assert found.keys == 0


def test_of_very_many_values_the_most_frequent_are_looked_at():
    values = [f"v{n % 400}" for n in range(2000)] + ["often"] * 100
    selected = np.arange(2100) >= 2010
    (found,) = differences(column(key=values), selected).found
    assert found.conditions[0].values == ("often",)
    assert found.conditions[0].of == 200


def test_of_equally_frequent_values_the_order_of_rows_chooses_none():
    values = [f"v{n:03}" for n in range(300)] * 7
    random = np.random.default_rng(0)
    one, other = (
        encode(column(key=random.permutation(values).tolist()), np.ones(2100, bool))
        for _ in range(2)
    )
    assert one.columns[0].values == other.columns[0].values
    assert one.columns[0].values[0] == "v000"


@pytest.mark.parametrize("count", [0, 1, 4, 196, 200])
def test_too_few_on_a_side_tell_nothing(count):
    found = differences(column(key=["a", "b"] * 100), np.arange(200) < count)
    assert not found.is_enough
    assert (found.found, found.symptoms) == ((), ())


def test_hostile_texts_are_values_like_any_other():
    odd = ["1e99999", "nan", "-", "", "\x00", "<b>", "٣", "1_0", "0x1", " 1", "9" * 400]
    values = (odd * 30)[:300] + [f"{n}" for n in range(100)]
    found = differences(column(key=values), np.arange(400) < 150)
    assert found.keys == 1


labels_and_values = st.lists(
    st.tuples(st.booleans(), st.sampled_from([None, "a", "b", "c"])), max_size=60
)


@settings(deadline=None)
@given(labels_and_values)
def test_counts_are_those_that_plain_python_counts(rows):
    selected = np.array([label for label, _ in rows], bool)
    table = column(key=[value for _, value in rows])
    found = differences(table, selected)
    for each in (*found.found, *found.symptoms):
        values = each.conditions[0].values
        assert each.selected == sum(label and v in values for label, v in rows)
        assert each.rest == sum(not label and v in values for label, v in rows)


cells = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=6
)


@given(cells.filter(lambda each: sum(a for a, _ in each) and sum(b for _, b in each)))
def test_the_best_set_is_the_best_beginning_of_the_values_by_rate(each):
    has, lacks = (np.array(side, float) for side in zip(*each, strict=True))
    best = best_sets(Counts(has[None], has[None], has + lacks, 1.0))
    share = has.sum() / (has + lacks).sum()
    ranked = sorted(
        (place for place in range(len(each)) if each[place][0] >= 5),
        key=lambda place: -(has[place] + share) / (has[place] + lacks[place] + 1),
    )
    phis = [0.0, *(plain_phi(each, ranked[: n + 1]) for n in range(len(ranked)))]
    assert best.phi[0] == pytest.approx(max(phis), abs=1e-9)
    assert plain_phi(each, np.flatnonzero(best.chosen[0])) == pytest.approx(best.phi[0])


def plain_phi(each, places):
    """The correlation of two columns of zeros and ones, a row for each counted."""
    rows = [(1, p in places) for p, (a, _) in enumerate(each) for _ in range(a)]
    rows += [(0, p in places) for p, (_, b) in enumerate(each) for _ in range(b)]
    if len({inside for _, inside in rows}) < 2:
        return 0.0
    return float(np.corrcoef(np.array(rows, float).T)[0, 1])


def test_a_sentence_tells_it_with_counts():
    selected = np.arange(1152) < 43
    tier = ["enterprise"] * 41 + ["free"] * 1102 + ["enterprise"] * 9
    found = differences(column(tier=tier), selected)
    assert sentence(found.found[0], found, "slow traces") == (
        "41 of 43 slow traces have tier=enterprise; 9 of 1,109 others do"
    )
    weighted = differences(column(tier=tier), selected, np.full(1152, 2.0))
    assert sentence(weighted.found[0], weighted, "slow traces").startswith("about 82")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("a",), "k=a"),
        (("",), "k=“”"),
        ((None,), "no k"),
        (("a", "b"), "k=a or b"),
        (("a", None), "k=a or none"),
        (("a", "b", "c", "d", "e", "f"), "k=a, b, c, d or 2 more"),
        ((Range(None, 3.0),), "k<3"),
        ((Range(3.0, 5.0), Range(5.0, None)), "k≥3"),
        ((Range(1.0, 2.5),), "k≥1 and <2.5"),
        ((Range(2.0, np.nextafter(2.0, 3)),), "k=2"),
        ((Range(None, None),), "k=any number"),
        (("x" * 200,), "k=" + "x" * 80 + "…"),
    ],
)
def test_conditions_are_written_for_people(values, text):
    assert condition_text(Condition("k", values, 9)) == text


def test_what_requests_do_is_written_for_people_too():
    called = Condition("calls of payment charge > SELECT", ("never", "once"), 3)
    assert condition_text(called) == "payment charge > SELECT called never or once"
    failed = Condition("errors in payment charge", ("errors",), 2)
    assert condition_text(failed) == "errors in payment charge"
