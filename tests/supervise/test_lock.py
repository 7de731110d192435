"""One server to a data folder."""

import pytest

from tracing_ui.supervise.lock import DataFolderInUse, lock_data_folder


def test_a_second_server_is_refused_until_the_first_ends(tmp_path):
    first = lock_data_folder(tmp_path)
    with pytest.raises(DataFolderInUse, match=str(tmp_path)):
        lock_data_folder(tmp_path)
    first.close()
    lock_data_folder(tmp_path).close()


def test_two_folders_have_two_locks(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with lock_data_folder(tmp_path / "a"), lock_data_folder(tmp_path / "b"):
        pass
