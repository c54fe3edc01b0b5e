/** CRC-32C (Castagnoli), reflected: finds every error of a few bits, and all short bursts. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = table();

export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}

function table(): Uint32Array {
  const rows = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? POLYNOMIAL : 0);
    rows[byte] = crc;
  }
  return rows;
}
