import { parseStrictJson } from "../dcpi/strict-json.ts";
import type { Store } from "../store/store.ts";
import type { JsonValue } from "../wire/json/reader.ts";

/** Streams that one acknowledgement may name. */
const STREAMS_MAX = 2_000;

/**
 * What a consumer says of the telemetry itself: `cmd/stream/ack` with
 * `{"acks":[{"s":stream,"e":epoch,"n":seq}, …]}` or one such object, and `cmd/stream/resend` with
 * `{"s":stream,"e":epoch,"from":seq,"to":seq}`. It moves no plant, so it needs no journal; what is
 * not well formed is passed over.
 */
export async function consumerOrder(
  topic: string,
  payload: Uint8Array,
  store: Pick<Store, "consumerAck" | "resend">,
): Promise<void> {
  const json = parseStrictJson(payload);
  if ("fault" in json) return;
  const { value } = json;
  if (topic === "cmd/stream/ack") {
    const acks = member(value, "acks");
    const list = Array.isArray(acks) ? (acks as readonly JsonValue[]) : [value];
    for (const ack of list.slice(0, STREAMS_MAX)) acknowledge(ack, store);
  } else if (topic === "cmd/stream/resend") {
    const stream = member(value, "s");
    const epoch = member(value, "e");
    const from = member(value, "from");
    const to = member(value, "to");
    if (typeof stream !== "string" || !isCount(epoch) || !isCount(from) || !isCount(to)) return;
    await store.resend({ stream, epoch, fromSeq: from, toSeq: to });
  }
}

function acknowledge(ack: JsonValue, store: Pick<Store, "consumerAck">): void {
  const stream = member(ack, "s");
  const epoch = member(ack, "e");
  const seq = member(ack, "n");
  if (typeof stream === "string" && isCount(epoch) && isCount(seq))
    store.consumerAck(stream, epoch, seq);
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function member(value: JsonValue, name: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return (value as Readonly<Record<string, JsonValue>>)[name];
}
