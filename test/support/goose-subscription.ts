import type { GooseSubscription } from "../../src/app/goose-settings.ts";
import { FRAME, PDU } from "../wire/goose/frames.ts";

/** A site's subscription to the publisher of the test frames. */
export const SUBSCRIPTION: GooseSubscription = {
  name: "relay-1",
  destination: FRAME.destination,
  applicationId: FRAME.applicationId,
  controlBlock: PDU.controlBlock,
  dataSet: PDU.dataSet,
  id: PDU.id,
  configurationRevision: 1,
  values: 3,
  safeWhen: [
    { index: 0, name: "trip", when: true },
    { index: 1, name: "breaker-open", when: "open" },
  ],
};
