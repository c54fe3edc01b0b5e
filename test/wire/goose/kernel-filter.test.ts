import { strict as assert } from "node:assert";
import fc from "fast-check";
import { encodeGooseFrame } from "../../../src/wire/goose/codec.ts";
import {
  BPF,
  FILTER_ADDRESSES_MAX,
  gooseFilter,
  INSTRUCTION_OCTETS,
} from "../../../src/wire/goose/kernel-filter.ts";
import { FRAME } from "./frames.ts";

/** What the kernel does with a program: a load beyond the frame drops it. */
function lets(program: Uint8Array, frame: Uint8Array): boolean {
  const view = new DataView(program.buffer);
  const octets = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let a = 0;
  let x = 0;
  for (let place = 0; ; place++) {
    const at = place * INSTRUCTION_OCTETS;
    const k = view.getUint32(at + 4, true);
    const code = view.getUint16(at, true);
    if (code === BPF.accept) return k > 0;
    if (code === BPF.setX) x = k;
    else if (code === BPF.jump) place += k;
    else if (code === BPF.jumpIfEqual) place += view.getUint8(at + (a === k ? 2 : 3));
    else {
      const from = code === BPF.loadHalfAtX ? x + k : k;
      const width = code === BPF.loadWord ? 4 : 2;
      if (from + width > octets.byteLength) return false;
      a = width === 4 ? octets.getUint32(from) : octets.getUint16(from);
    }
  }
}

const ADDRESSES = Array.from({ length: 5 }, (_, at) => ({
  destination: Uint8Array.of(0x01, 0x0c, 0xcd, 0x01, at >> 1, at),
  applicationId: 0x3000 + at,
}));

describe("the kernel's filter for GOOSE", () => {
  it("lets through what is subscribed, tagged or not, and nothing else", () => {
    const program = gooseFilter(ADDRESSES);
    const at = fc.integer({ min: 0, max: 6 });
    fc.assert(
      fc.property(at, at, fc.boolean(), (address, application, isTagged) => {
        const destination = Uint8Array.of(0x01, 0x0c, 0xcd, 0x01, address >> 1, address);
        const applicationId = 0x3000 + application;
        const vlan = isTagged ? FRAME.vlan : undefined;
        const bytes = encodeGooseFrame({ ...FRAME, destination, applicationId, vlan });
        assert.equal(lets(program, bytes), address === application && address < 5);
      }),
    );
  });

  it("drops other types, tagged or not, and frames that end early", () => {
    const program = gooseFilter(ADDRESSES.slice(0, 1));
    const destination = ADDRESSES[0]?.destination ?? new Uint8Array();
    for (const vlan of [undefined, FRAME.vlan]) {
      const whole = encodeGooseFrame({ ...FRAME, destination, applicationId: 0x3000, vlan });
      assert.equal(lets(program, whole), true);
      const typeAt = vlan === undefined ? 12 : 16;
      for (const type of [0x0800, 0x88ba, 0x8100]) {
        const other = whole.slice();
        new DataView(other.buffer).setUint16(typeAt, type);
        assert.equal(lets(program, other), false, `${typeAt} ${type}`);
      }
      for (let octets = 0; octets < typeAt + 4; octets++)
        assert.equal(lets(program, whole.slice(0, octets)), false, String(octets));
    }
  });

  it("has a limit that its jumps and the kernel stand", () => {
    const most = Array.from({ length: FILTER_ADDRESSES_MAX }, (_, at) => ({
      destination: Uint8Array.of(1, 2, 3, 4, 5, at),
      applicationId: at,
    }));
    const program = gooseFilter(most);
    const last = { ...FRAME, destination: Uint8Array.of(1, 2, 3, 4, 5, 63), applicationId: 63 };
    assert.equal(lets(program, encodeGooseFrame(last)), true);
    assert.ok(program.length / INSTRUCTION_OCTETS < 4_096);
    assert.throws(() => gooseFilter([]));
    assert.throws(() => gooseFilter([...most, ...most]));
  });
});
