/** A client as the model of an IED sees it: one association. */
export interface Client {
  /** Octets of its network address: who it is when it comes back. */
  readonly address: Uint8Array;
  /** Largest PDU that it takes. */
  readonly pduOctets: number;
  /** True while it does not read what it was sent. */
  readonly isCongested: boolean;
  /** Sends an encoded PDU that nobody asked for, at most `pduOctets` long. */
  send(pdu: Uint8Array): void;
  /** Ends the connection without a word. */
  cut(): void;
}

export function isSameAddress(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, at) => octet === b[at]);
}
