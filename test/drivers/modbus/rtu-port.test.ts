import { strict as assert } from "node:assert";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { RtuPort } from "../../../src/drivers/modbus/rtu-port.ts";
import { appendCrc } from "../../../src/wire/modbus/rtu.ts";

function framed(hex: string): Buffer {
  const body = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const frame = Buffer.alloc(body.length + 2);
  frame.set(body);
  appendCrc(frame, 0, body.length);
  return frame;
}

function start() {
  const socket = Object.assign(new EventEmitter(), {
    write: () => true,
    destroy: () => undefined,
  });
  let strays = 0;
  const port = new RtuPort(socket as unknown as Socket, () => {
    strays += 1;
  });
  const answers: string[] = [];
  port.on("data", (frame: Buffer) => answers.push(frame.toString("hex")));
  const receive = (...chunks: readonly Buffer[]) => {
    for (const chunk of chunks) socket.emit("data", chunk);
  };
  return { port, answers, receive, strays: () => strays };
}

/** Two registers of unit 1. */
const QUESTION = framed("01 03 0000 0002");
const ANSWER = framed("01 03 04 00 01 00 02");

describe("port for RTU inside TCP", () => {
  it("hands on an answer whatever the pieces in which it comes", () => {
    const { port, answers, receive } = start();
    port.write(QUESTION);
    receive(...[...ANSWER].map((byte) => Buffer.of(byte)));
    assert.deepEqual(answers, [ANSWER.toString("hex")]);
  });

  it("takes what begins like the answer for noise unless its CRC is right", () => {
    const { port, answers, receive } = start();
    port.write(QUESTION);
    const broken = Buffer.from(ANSWER);
    broken[4] = 0xee;
    receive(broken, ANSWER);
    assert.deepEqual(answers, [ANSWER.toString("hex")]);
  });

  it("drops the late answer of another unit and waits on", () => {
    const { port, answers, receive, strays } = start();
    port.write(QUESTION);
    receive(Buffer.concat([framed("02 03 04 00 09 00 09"), framed("01 04 02 00 09"), ANSWER]));
    assert.deepEqual(answers, [ANSWER.toString("hex")]);
    assert.equal(strays(), 1);
  });

  it("hands on an exception, and nothing that nobody waits for", () => {
    const { port, answers, receive, strays } = start();
    receive(ANSWER);
    port.write(QUESTION);
    const exception = framed("01 83 02");
    receive(exception, ANSWER);
    assert.deepEqual(answers, [exception.toString("hex")]);
    assert.equal(strays(), 2);
    port.write(QUESTION);
    port.forget();
    receive(ANSWER);
    assert.equal(answers.length, 1);
  });
});
