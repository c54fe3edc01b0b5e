import type { GatewayError } from "../../domain/errors.ts";
import type { CommandMessage } from "../command-gate.ts";

/** One broker of the list. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Who we are to a broker. */
export interface SessionFacts {
  readonly clientId: string;
  /** A session of its own, forgotten at its end: a probe. */
  readonly isProbe: boolean;
  readonly keepaliveS: number;
  readonly will: WillMessage | undefined;
  /** Topic filter of inbound commands; undefined: none. */
  readonly subscribe: string | undefined;
}

export interface WillMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** A message as it leaves; `packetId` 0 is QoS 0, any other QoS 1. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly packetId: number;
  readonly isRetained: boolean;
  readonly expirySeconds: number | undefined;
}

/** What the broker said to one of our messages. `broker-busy`: the same later may be taken. */
export type AckOutcome = "accepted" | "broker-busy" | "refused";

/** What a connection tells its owner. Never called after `onClosed`. */
export interface ConnectionListener {
  onAck(packetId: number, outcome: AckOutcome): void;
  onMessage(message: CommandMessage): void;
  /** The socket can take more after `bufferedBytes` was high. */
  onDrain(): void;
  onClosed(error: GatewayError): void;
}

/** A session with one broker, from CONNACK until it ends. */
export interface BrokerConnection {
  readonly protocol: 4 | 5;
  /** How many QoS 1 messages the broker takes at once. */
  readonly receiveMaximum: number;
  readonly maximumPacketBytes: number;
  /** Written by us and not yet taken by the socket. */
  readonly bufferedBytes: number;
  send(message: OutgoingMessage): void;
  /** Ends the session in order; resolves when the socket is gone. No `onClosed` follows. */
  close(): Promise<void>;
  /** Drops the socket at once: the broker does not answer. No `onClosed` follows. */
  abandon(): void;
}

/**
 * Opens a session.
 * @throws GatewayError BROKER_UNREACHABLE, or BROKER_REFUSED with the broker's reason code; the
 *   signal's reason when it aborts
 */
export type ConnectBroker = (
  address: BrokerAddress,
  session: SessionFacts,
  listener: ConnectionListener,
  signal: AbortSignal,
) => Promise<BrokerConnection>;
