import { strict as assert } from "node:assert";
import {
  droopShape,
  type FrequencyShape,
  powerShareAt,
  shapeProblem,
  shapeTable,
} from "../../src/control/frequency-shape.ts";

const FCR = { deadBandHz: 0.01, fullAtHz: 0.2, direction: "both" } as const;

function shareAt(shape: FrequencyShape, deviationHz: number): number {
  return powerShareAt(shapeTable(shape), deviationHz);
}

describe("frequency shape", () => {
  const cases = [
    [-1, 1],
    [-0.2, 1],
    [-0.105, 0.5],
    [-0.01, 0],
    [0, 0],
    [0.01, 0],
    [0.105, -0.5],
    [0.2, -1],
    [3, -1],
  ] as const;
  for (const [deviationHz, share] of cases)
    it(`asks for ${share} of the power at ${deviationHz} Hz with a droop to both sides`, () => {
      assert.ok(Math.abs(shareAt(droopShape(FCR), deviationHz) - share) < 1e-9);
    });

  it("answers one side only where that is what was promised", () => {
    const low = droopShape({ ...FCR, direction: "low" });
    assert.deepEqual([shareAt(low, -0.3), shareAt(low, 0.3)], [1, 0]);
    const high = droopShape({ ...FCR, direction: "high" });
    assert.deepEqual([shareAt(high, -0.3), shareAt(high, 0.3)], [0, -1]);
  });

  it("needs no dead band", () => {
    const shape = droopShape({ ...FCR, deadBandHz: 0 });
    assert.equal(shapeProblem(shape), undefined);
    assert.ok(Math.abs(shareAt(shape, -0.1) - 0.5) < 1e-9);
  });

  it("follows any points, with straight lines between them", () => {
    const shape = [
      { deviationHz: -0.5, powerShare: 1 },
      { deviationHz: -0.2, powerShare: 0.3 },
      { deviationHz: -0.1, powerShare: 0 },
      { deviationHz: 0.5, powerShare: 0 },
    ];
    assert.equal(shapeProblem(shape), undefined);
    assert.ok(Math.abs(shareAt(shape, -0.35) - 0.65) < 1e-9);
    assert.ok(Math.abs(shareAt(shape, -0.15) - 0.15) < 1e-9);
  });

  const problems = [
    ["a shape has at least two points", [[0, 0]]],
    [
      "point 2 is not a deviation with a share from -1 to 1",
      [
        [-0.2, 1],
        [0, -1.1],
      ],
    ],
    [
      "point 1 is not a deviation with a share from -1 to 1",
      [
        [Number.NaN, 1],
        [0, 0],
      ],
    ],
    [
      "deviations do not ascend",
      [
        [-0.2, 1],
        [-0.2, 0],
        [0, 0],
      ],
    ],
    [
      "a higher frequency asks for more discharge",
      [
        [-0.2, 0],
        [0, 1],
      ],
    ],
    [
      "at nominal frequency power is asked for",
      [
        [-0.2, 1],
        [0.2, 0],
      ],
    ],
  ] as const;
  for (const [problem, points] of problems)
    it(`is refused when ${problem}`, () => {
      const shape = points.map(([deviationHz, powerShare]) => ({ deviationHz, powerShare }));
      assert.equal(shapeProblem(shape), problem);
    });
});
