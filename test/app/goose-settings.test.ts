import { strict as assert } from "node:assert";
import { parseGooseSettings } from "../../src/app/goose-settings.ts";
import { GatewayError } from "../../src/domain/errors.ts";

const RULE = { index: 0, name: "trip", when: true };
const SUBSCRIPTION = {
  name: "relay-1",
  destination: "01-0C-CD-01-00-07",
  appId: 0x3001,
  controlBlock: "R1CTRL/LLN0$GO$gcb1",
  dataSet: "R1CTRL/LLN0$ds1",
  confRev: 1,
  values: 3,
  safeWhen: [RULE],
};
const SETTINGS = { interface: "eth1", socket: "/run/goose/socket", subscriptions: [SUBSCRIPTION] };

function placeOf(settings: object): unknown {
  try {
    parseGooseSettings(JSON.stringify(settings));
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.code === "CONFIG_INVALID");
    return error.context["at"];
  }
  return assert.fail("it was taken");
}

describe("settings of the GOOSE process", () => {
  it("say what is heard, and what demands the safe state", () => {
    const settings = parseGooseSettings(JSON.stringify(SETTINGS));
    assert.deepEqual(settings.subscriptions, [
      {
        name: "relay-1",
        destination: Uint8Array.of(0x01, 0x0c, 0xcd, 0x01, 0x00, 0x07),
        applicationId: 0x3001,
        controlBlock: SUBSCRIPTION.controlBlock,
        dataSet: SUBSCRIPTION.dataSet,
        id: undefined,
        configurationRevision: 1,
        values: 3,
        safeWhen: [RULE],
      },
    ]);
  });

  const wrong: readonly (readonly [object, string])[] = [
    [{ destination: "01-0C" }, "/subscriptions/0/destination"],
    [{ appId: 65_536 }, "/subscriptions/0/appId"],
    [{ values: 0 }, "/subscriptions/0/values"],
    [{ confRev: 1.5 }, "/subscriptions/0/confRev"],
    [{ goId: "" }, "/subscriptions/0/goId"],
    // What a loss means is said in the site file.
    [{ safeOnLoss: true }, "/subscriptions/0"],
    [{ safeWhen: [{ ...RULE, index: 3 }] }, "/subscriptions/0/safeWhen/0/index"],
    [{ safeWhen: [{ ...RULE, when: "shut" }] }, "/subscriptions/0/safeWhen/0/when"],
    // Nothing but the safe state can be asked for: there is no such key.
    [{ command: "start" }, "/subscriptions/0"],
  ];
  for (const [change, place] of wrong) {
    it(`are refused at ${place}: ${JSON.stringify(change)}`, () => {
      const subscriptions = [{ ...SUBSCRIPTION, ...change }];
      assert.equal(placeOf({ ...SETTINGS, subscriptions }), place);
    });
  }

  it("are refused without subscriptions, with a name twice, and without an interface", () => {
    assert.equal(placeOf({ ...SETTINGS, subscriptions: [] }), "/subscriptions");
    const twice = [SUBSCRIPTION, SUBSCRIPTION];
    assert.equal(placeOf({ ...SETTINGS, subscriptions: twice }), "/subscriptions");
    assert.equal(placeOf({ ...SETTINGS, interface: undefined }), "/interface");
    assert.throws(() => parseGooseSettings("{"), { code: "CONFIG_INVALID" });
  });
});
