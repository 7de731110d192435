import assert from "node:assert/strict";
import { test } from "node:test";

import { PALETTE_SIZE, serviceClass, serviceColorNumber } from "../../static/js/lib/service_color.js";

test("a service has the number that the server gives it", () => {
  const shop = ["gateway", "auth", "payment", "database", "orders", "email"];
  assert.deepEqual(shop.map(serviceColorNumber), [0, 10, 1, 5, 2, 8]);
  assert.equal(serviceClass("payment"), "svc-1");
});

test("any name has a colour of the palette", () => {
  for (const name of ["", "é", "服务", "x".repeat(999)]) {
    const number = serviceColorNumber(name);
    assert.ok(number >= 0 && number < PALETTE_SIZE);
  }
});
