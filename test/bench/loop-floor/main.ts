/**
 * `node main.ts <site file> <period ms> <cap W>`: the least that answers a step of the meter: on a
 * timer, with the scheduling of gateway-control, raw sockets read the meter and the battery and
 * write what the battery has to give. No quality, no envelope, no read-back, no other device.
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ProfileFiles } from "../../../src/app/profile-files.ts";
import { profileRoots } from "../../../src/app/profile-roots.ts";
import { loadContext, type SiteContext } from "../../../src/app/site-context.ts";
import type { ReadBinding } from "../../../src/profiles/binding.ts";
import { runInRealTime } from "../../../src/platform/scheduling.ts";
import { SimulatedDevice } from "../../../src/simulator/device.ts";
import { CYCLIC_UNIT } from "../bench-site.ts";
import { monotonicNow } from "../mqtt-wire.ts";

const MBAP_BYTES = 7;
const READ = 3;
const WRITE = 16;
const [file = "", periodText = "", capText = ""] = process.argv.slice(2);
const [periodMs, capW] = [Number(periodText), Number(capText)];

/** A device of the site: its registers here are what was last read, or is to be written. */
class Peer {
  readonly #device: SimulatedDevice;
  readonly #unit: number;
  readonly #socket: Socket;
  #heard: (bytes: Buffer) => void = () => undefined;

  static async open(context: SiteContext, id: string): Promise<Peer> {
    const found = context.deviceById.get(id);
    if (found?.connection.protocol !== "modbus-tcp") throw new Error(`no TCP device ${id}`);
    const { connection, profile, config } = found;
    const files = new ProfileFiles(profileRoots(context.site, context.file));
    const nominal = files.nominal(config.profile, profile, config.parameters);
    const device = new SimulatedDevice({ id, profile, unitId: config.unit, nominal });
    const socket = connect({ port: connection.port ?? 0, host: connection.host, noDelay: true });
    await once(socket, "connect");
    return new Peer(device, config.unit, socket);
  }

  private constructor(device: SimulatedDevice, unit: number, socket: Socket) {
    this.#device = device;
    this.#unit = unit;
    this.#socket = socket;
    socket.on("data", (bytes) => {
      this.#heard(bytes);
    });
  }

  async read(point: string): Promise<number> {
    const place = this.#placeOf(point);
    const request = this.#request(READ, place, 0);
    const answer = await this.#ask(request);
    this.#registers(place).set(answer.subarray(MBAP_BYTES + 2));
    return this.#device.readNumber(point, Number.NaN);
  }

  async write(point: string, value: number): Promise<void> {
    const place = this.#placeOf(point);
    this.#device.setPoint(point, value);
    const bytes = this.#registers(place);
    const request = this.#request(WRITE, place, bytes.length + 1);
    request[MBAP_BYTES + 5] = bytes.length;
    request.set(bytes, MBAP_BYTES + 6);
    await this.#ask(request);
  }

  #placeOf(point: string): ReadBinding {
    const { profile } = this.#device;
    const read = profile.points.find(({ id }) => id === point)?.read;
    if (read === undefined) throw new Error(`${profile.name} has no ${point}`);
    return read;
  }

  #registers({ table, address, count }: ReadBinding): Uint8Array {
    const bytes = this.#device.view(this.#unit, table, address, count);
    if (bytes === undefined) throw new Error(`no registers at ${address}`);
    return bytes;
  }

  #request(code: number, { address, count }: ReadBinding, moreBytes: number): Buffer {
    const request = Buffer.alloc(MBAP_BYTES + 5 + moreBytes);
    request.writeUInt16BE(request.length - MBAP_BYTES + 1, 4);
    request[6] = this.#unit;
    request[7] = code;
    request.writeUInt16BE(address, 8);
    request.writeUInt16BE(count, 10);
    return request;
  }

  /** Answers this short come in one piece on loopback. */
  async #ask(request: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#heard = resolve;
      this.#socket.write(request);
    });
  }
}

const context = await loadContext(file);
const meter = await Peer.open(context, "pcc-meter");
const battery = await Peer.open(context, CYCLIC_UNIT);
process.stdin.on("end", () => process.exit(0)).resume();
process.stdout.write(`scheduling ${runInRealTime(process.pid)}\nup\n`);
let next = Math.ceil(monotonicNow() / periodMs);
for (;;) {
  next = Math.max(next + 1, Math.ceil(monotonicNow() / periodMs));
  const waitMs = next * periodMs - monotonicNow();
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  const [gridW, batteryW] = await Promise.all([
    meter.read("active-power"),
    battery.read("active-power"),
  ]);
  await battery.write("active-power-setpoint", gridW + batteryW - capW);
}
