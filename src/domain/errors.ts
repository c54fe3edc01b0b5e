interface ErrorSpec {
  /**
   * What a supervisor does: try again later, or stop and ask a person. Whoever starts processes
   * does not start again what ended with a permanent one: only what no restart mends may be so.
   */
  readonly retry: "transient" | "permanent";
  readonly summary: string;
}

/**
 * Every error the gateway raises. One line each; `dcpi-gateway errors` prints this table.
 */
export const ERRORS = {
  // South
  LINK_REFUSED: { retry: "transient", summary: "the device refused the connection" },
  LINK_LOST: { retry: "transient", summary: "the connection to the device broke" },
  LINK_TIMEOUT: { retry: "transient", summary: "the device did not answer in time" },
  LINK_BUSY: { retry: "transient", summary: "too many requests wait for the device" },
  DEVICE_EXCEPTION: { retry: "transient", summary: "the device answered with an exception" },
  REPLY_MALFORMED: {
    retry: "transient",
    summary: "the reply does not have the shape that was asked for",
  },
  DEVICE_MISMATCH: {
    retry: "transient",
    summary: "the device is not the one that its profile describes",
  },
  // Seam between processes
  FRAME_MALFORMED: { retry: "transient", summary: "the peer sent a frame that cannot be read" },
  FRAME_VERSION: { retry: "transient", summary: "the peer speaks another version of the link" },
  PEER_MISMATCH: { retry: "transient", summary: "the peer runs another site configuration" },
  PEER_LOST: { retry: "transient", summary: "the connection to the peer process broke" },
  // Files
  CONFIG_INVALID: { retry: "permanent", summary: "the site configuration is not valid" },
  PROFILE_INVALID: { retry: "permanent", summary: "the device profile is not valid" },
  PROFILE_MISSING: { retry: "permanent", summary: "there is no such device profile" },
  FILE_UNREADABLE: { retry: "permanent", summary: "the file cannot be read" },
  INSTANCE_RUNNING: { retry: "permanent", summary: "this role already runs for this site" },
  // Store
  STORE_UNUSABLE: { retry: "transient", summary: "the database cannot be used" },
  STORE_FULL: { retry: "transient", summary: "the disk or the quota of the store is full" },
  STORE_IO: { retry: "transient", summary: "the disk did not do what the store asked" },
  STORE_BUSY: { retry: "transient", summary: "too much waits to be stored" },
  // North
  BROKER_UNREACHABLE: { retry: "transient", summary: "no broker could be reached" },
  BROKER_REFUSED: { retry: "transient", summary: "the broker refused the connection" },
  BROKER_LOST: { retry: "transient", summary: "the connection to the broker broke" },
  PUBLISH_FAILED: { retry: "transient", summary: "the broker did not take the message" },
  // Requests on local sockets
  REQUEST_REFUSED: { retry: "transient", summary: "the request was refused" },
  REQUEST_TIMEOUT: { retry: "transient", summary: "the process did not answer in time" },
  PORT_IN_USE: { retry: "permanent", summary: "the port is already in use" },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * An operating error: the outside world did something we expected it might.
 * Code decides on `code` and `retry`; people read `message`; nobody parses `message`.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  /** Facts needed to act: device, address, function code. Values only, no secrets. */
  readonly context: Readonly<Record<string, string | number | boolean>>;

  constructor(
    code: ErrorCode,
    context: GatewayError["context"] = {},
    options?: { readonly cause?: unknown },
  ) {
    super(`${ERRORS[code].summary} [${code}]${describe(context)}`, options);
    this.code = code;
    this.context = context;
  }

  get retry(): ErrorSpec["retry"] {
    return ERRORS[this.code].retry;
  }
}

function describe(context: GatewayError["context"]): string {
  const facts = Object.entries(context).map(([key, value]) => `${key}=${String(value)}`);
  return facts.length === 0 ? "" : ` ${facts.join(" ")}`;
}
