import { createServer, type Server, type Socket } from "node:net";

/** What a client asked, as the peer took it from the wire. */
export interface PeerRequest {
  readonly transaction: number;
  readonly unit: number;
  readonly code: number;
  readonly address: number;
  /** Second word of the body: quantity, or the value of functions 5 and 6. */
  readonly word: number;
  /** The whole PDU. */
  readonly pdu: Buffer;
}

export type PeerAction =
  | "answer"
  | "silent"
  /** Keeps the answer until `releaseHeld`. */
  | "hold"
  | "reset"
  | "close"
  | "wrong-transaction"
  | "wrong-unit"
  | "wrong-function"
  | "wrong-echo"
  | "short-count"
  | "truncated"
  | "noise"
  | { readonly exception: number };

/**
 * A small Modbus server that does as it is told, for tests of links. It shares no code with the
 * gateway: frames and CRC are made here.
 */
export class ModbusPeer {
  readonly requests: PeerRequest[] = [];
  readonly registers = new Uint16Array(0x1_0000);
  readonly bits = new Uint8Array(0x1_0000);
  /** Decides what becomes of a request. */
  act: (request: PeerRequest) => PeerAction = () => "answer";
  connections = 0;
  /** Size of the pieces in which answers are sent; undefined: in one. */
  pieceBytes: number | undefined;
  readonly #framing: "mbap" | "rtu";
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  port = 0;

  private constructor(framing: "mbap" | "rtu") {
    this.#framing = framing;
    this.#server = createServer((socket) => {
      this.#serve(socket);
    });
  }

  static async start(framing: "mbap" | "rtu"): Promise<ModbusPeer> {
    const peer = new ModbusPeer(framing);
    await new Promise<void>((resolve) => peer.#server.listen(0, "127.0.0.1", resolve));
    const address = peer.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    peer.port = address.port;
    return peer;
  }

  /** Sends the answers that were held, in the order of their requests. */
  releaseHeld(): void {
    for (const send of this.#held.splice(0)) send();
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) =>
      this.#server.close(() => {
        resolve();
      }),
    );
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    let buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (;;) {
        const length = this.#framing === "mbap" ? mbapLength(buffer) : rtuLength(buffer);
        if (length === undefined || buffer.length < length) return;
        this.#take(socket, buffer.subarray(0, length));
        buffer = buffer.subarray(length);
      }
    });
  }

  #take(socket: Socket, frame: Buffer): void {
    const isMbap = this.#framing === "mbap";
    const pdu = isMbap ? frame.subarray(7) : frame.subarray(1, -2);
    const request: PeerRequest = {
      transaction: isMbap ? frame.readUInt16BE(0) : 0,
      unit: frame[isMbap ? 6 : 0] ?? 0,
      code: pdu[0] ?? 0,
      address: pdu.readUInt16BE(1),
      word: pdu.readUInt16BE(3),
      pdu: Buffer.from(pdu),
    };
    this.requests.push(request);
    const action = this.act(request);
    if (action === "silent") return;
    if (action === "reset") socket.resetAndDestroy();
    else if (action === "close") socket.end();
    else if (action === "hold") {
      this.#held.push(() => {
        this.#send(socket, this.#answer(request, "answer"));
      });
    } else this.#send(socket, this.#answer(request, action));
  }

  #send(socket: Socket, frame: Buffer): void {
    const size = this.pieceBytes ?? frame.length;
    for (let at = 0; at < frame.length; at += size) socket.write(frame.subarray(at, at + size));
  }

  #answer(request: PeerRequest, action: PeerAction): Buffer {
    if (action === "noise") return Buffer.from("ffffffff0000ffff0011", "hex");
    const pdu = this.#answerPdu(request, action);
    const unit = action === "wrong-unit" ? request.unit ^ 1 : request.unit;
    const transaction =
      action === "wrong-transaction" ? request.transaction ^ 0x5a5a : request.transaction;
    const frame =
      this.#framing === "mbap" ? mbapFrame(transaction, unit, pdu) : rtuFrame(unit, pdu);
    return action === "truncated" ? frame.subarray(0, frame.length - 3) : frame;
  }

  #answerPdu(request: PeerRequest, action: PeerAction): Buffer {
    if (typeof action === "object") return Buffer.from([request.code | 0x80, action.exception]);
    const pdu = this.#execute(request);
    if (action === "wrong-function") pdu[0] = (pdu[0] ?? 0) ^ 0x07;
    if (action === "wrong-echo") pdu[2] = (pdu[2] ?? 0) ^ 1;
    if (action === "short-count" && pdu.length > 4) {
      pdu[1] = (pdu[1] ?? 0) - 2;
      return pdu.subarray(0, pdu.length - 2);
    }
    return pdu;
  }

  #execute({ code, address, word, pdu }: PeerRequest): Buffer {
    switch (code) {
      case 1:
      case 2: {
        const packed = Buffer.alloc((word + 7) >> 3);
        for (let bit = 0; bit < word; bit += 1) {
          packed[bit >> 3] =
            (packed[bit >> 3] ?? 0) | ((this.bits[address + bit] ?? 0) << (bit & 7));
        }
        return Buffer.concat([Buffer.from([code, packed.length]), packed]);
      }
      case 3:
      case 4: {
        const words = Buffer.alloc(word * 2);
        for (let at = 0; at < word; at += 1) {
          words.writeUInt16BE(this.registers[address + at] ?? 0, at * 2);
        }
        return Buffer.concat([Buffer.from([code, words.length]), words]);
      }
      default:
        this.#store(code, address, pdu);
        return Buffer.from(code === 15 || code === 16 ? pdu.subarray(0, 5) : pdu);
    }
  }

  #store(code: number, address: number, pdu: Buffer): void {
    const word = pdu.readUInt16BE(3);
    if (code === 5) this.bits[address] = word === 0xff00 ? 1 : 0;
    if (code === 6) this.registers[address] = word;
    if (code === 15) {
      for (let bit = 0; bit < word; bit += 1) {
        this.bits[address + bit] = ((pdu[6 + (bit >> 3)] ?? 0) >> (bit & 7)) & 1;
      }
    }
    if (code === 16) {
      for (let at = 0; at < word; at += 1) {
        this.registers[address + at] = pdu.readUInt16BE(6 + at * 2);
      }
    }
    if (code === 22) {
      const or = pdu.readUInt16BE(5);
      this.registers[address] = ((this.registers[address] ?? 0) & word) | (or & ~word);
    }
  }
}

function mbapLength(buffer: Buffer): number | undefined {
  return buffer.length < 6 ? undefined : 6 + buffer.readUInt16BE(4);
}

function rtuLength(buffer: Buffer): number | undefined {
  if (buffer.length < 2) return undefined;
  switch (buffer[1]) {
    case 15:
    case 16:
      return buffer.length < 7 ? undefined : 9 + (buffer[6] ?? 0);
    case 22:
      return 10;
    default:
      return 8;
  }
}

function mbapFrame(transaction: number, unit: number, pdu: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt16BE(transaction, 0);
  head.writeUInt16BE(pdu.length + 1, 4);
  head[6] = unit;
  return Buffer.concat([head, pdu]);
}

function rtuFrame(unit: number, pdu: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from([unit]), pdu]);
  const crc = Buffer.alloc(2);
  crc.writeUInt16LE(crc16(body));
  return Buffer.concat([body, crc]);
}

/** CRC of MODBUS over Serial Line V1.02, appendix B, bit by bit. */
function crc16(bytes: Buffer): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}
