import {
  closePacketSocket,
  openPacketSocket,
  type PacketSocketTerms,
  takePacket,
  waitForPacket,
} from "../../native/packet-socket.ts";

/** Longest wait in a thread: how late a stop is noticed. */
const WAIT_MS = 100;
/** Frames taken in one go before the loop may turn. */
const BATCH = 64;
/** The largest frame of Ethernet with a tag. */
const FRAME_OCTETS = 1_522;

export type HearTerms = Omit<PacketSocketTerms, "waitMs">;

/**
 * Takes frames of one interface until `signal` aborts.
 *
 * @param take a view that is valid until it returns; does not throw
 * @throws GatewayError CONFIG_INVALID, FILE_UNREADABLE (no right to), LINK_LOST (interface gone)
 */
export async function hearPackets(
  terms: HearTerms,
  signal: AbortSignal,
  take: (frame: Uint8Array) => void,
): Promise<void> {
  const fd = openPacketSocket({ ...terms, waitMs: WAIT_MS });
  const buffer = new Uint8Array(FRAME_OCTETS);
  try {
    while (!signal.aborted) {
      let octets = (await waitForPacket(fd, buffer)) ?? takePacket(fd, buffer);
      for (let taken = 0; octets !== undefined && taken < BATCH; taken++) {
        take(buffer.subarray(0, octets));
        octets = takePacket(fd, buffer);
      }
      if (octets !== undefined) take(buffer.subarray(0, octets));
    }
  } finally {
    closePacketSocket(fd);
  }
}
