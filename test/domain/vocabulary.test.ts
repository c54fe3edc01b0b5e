import { strict as assert } from "node:assert";
import {
  CANONICAL_POINTS,
  CANONICAL_UNITS,
  conversionTo,
  ENUM_TEXTS,
  EQUIPMENT_CLASSES,
  fieldOfExtraPoint,
} from "../../src/domain/vocabulary/vocabulary.ts";

describe("plant vocabulary", () => {
  it("holds 222 points whose units, enums and classes exist", () => {
    assert.equal(CANONICAL_POINTS.size, 222);
    for (const point of CANONICAL_POINTS.values()) {
      if (point.unit !== undefined) assert.ok(CANONICAL_UNITS.has(point.unit), point.id);
      if (point.type === "enum") assert.ok(ENUM_TEXTS.has(point.enumName ?? ""), point.id);
      for (const name of point.classes.keys()) assert.ok(EQUIPMENT_CLASSES.has(name), name);
    }
  });

  it("gives each telemetry field the suffix of its unit", () => {
    for (const point of CANONICAL_POINTS.values()) {
      const suffix = CANONICAL_UNITS.get(point.unit ?? "")?.fieldSuffix ?? "";
      assert.ok(point.telemetryField.endsWith(suffix), point.id);
    }
    assert.equal(CANONICAL_POINTS.get("active-power")?.telemetryField, "active_power_w");
  });

  it("converts the units that devices use, each once", () => {
    assert.deepEqual(conversionTo("W", "kW"), { factor: 1_000, offset: 0 });
    assert.deepEqual(conversionTo("W", "W"), { factor: 1, offset: 0 });
    const celsius = conversionTo("Cel", "degF");
    assert.ok(celsius !== undefined);
    assert.ok(Math.abs(44.6 * celsius.factor + celsius.offset - 7) < 1e-9);
    assert.equal(conversionTo("W", "V"), undefined);
    assert.equal(conversionTo("no-unit", "V"), undefined);
  });

  it("names points outside the vocabulary by the same rule", () => {
    assert.equal(fieldOfExtraPoint("x-pump-2-duty", "%"), "x_pump_2_duty_pct");
    assert.equal(fieldOfExtraPoint("x-alarm-bits", undefined), "x_alarm_bits");
    assert.equal(fieldOfExtraPoint("x-odd", "furlong"), "x_odd");
  });

  it("keeps link-up for the gateway itself", () => {
    assert.equal(CANONICAL_POINTS.get("link-up")?.madeByGateway, true);
    assert.equal(CANONICAL_POINTS.get("active-power")?.madeByGateway, false);
  });
});
