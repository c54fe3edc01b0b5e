/** Measures of a power trace, as §3 of the loop's specification defines them. */
export interface Spectrum {
  readonly spacingHz: number;
  /** Contribution of each frequency to the mean square, W². */
  readonly squares: Float64Array;
  /** Amplitude of each frequency, W. */
  readonly amplitudesW: Float64Array;
}

/** One-sided periodogram: mean removed, Hann window. */
export function spectrumOf(valuesW: Float64Array, stepS: number): Spectrum {
  const count = valuesW.length;
  let sum = 0;
  for (const value of valuesW) sum += value;
  const mean = sum / count;
  const real = new Float64Array(count);
  let windowSum = 0;
  let windowSquares = 0;
  for (let place = 0; place < count; place += 1) {
    const weight = 0.5 - 0.5 * Math.cos((2 * Math.PI * place) / (count - 1));
    windowSum += weight;
    windowSquares += weight * weight;
    real[place] = weight * ((valuesW[place] ?? 0) - mean);
  }
  const imaginary = new Float64Array(count);
  transform(real, imaginary);
  const half = Math.floor(count / 2) + 1;
  const squares = new Float64Array(half);
  const amplitudesW = new Float64Array(half);
  for (let line = 0; line < half; line += 1) {
    const square = (real[line] ?? 0) ** 2 + (imaginary[line] ?? 0) ** 2;
    squares[line] = (2 * square) / (windowSquares * count);
    amplitudesW[line] = (2 * Math.sqrt(square)) / windowSum;
  }
  return { spacingHz: 1 / (count * stepS), squares, amplitudesW };
}

export interface Band {
  readonly fromHz: number;
  readonly toHz: number;
}

export function rmsIn(spectrum: Spectrum, { fromHz, toHz }: Band): number {
  let sum = 0;
  for (const [line, square] of spectrum.squares.entries()) {
    const hz = line * spectrum.spacingHz;
    if (hz >= fromHz && hz < toHz) sum += square;
  }
  return Math.sqrt(sum);
}

export function largestLineW(spectrum: Spectrum, { fromHz, toHz }: Band): number {
  let largest = 0;
  for (const [line, amplitude] of spectrum.amplitudesW.entries()) {
    const hz = line * spectrum.spacingHz;
    if (hz >= fromHz && hz <= toHz) largest = Math.max(largest, amplitude);
  }
  return largest;
}

export function decibels(value: number, reference: number): number {
  return 20 * Math.log10(Math.max(value, 1e-9) / Math.max(reference, 1e-9));
}

/** Largest change over a window divided by it, W/s. */
export function largestRamp(valuesW: Float64Array, stepS: number, windowS: number): number {
  const apart = Math.round(windowS / stepS);
  let largest = 0;
  for (let place = apart; place < valuesW.length; place += 1)
    largest = Math.max(largest, Math.abs((valuesW[place] ?? 0) - (valuesW[place - apart] ?? 0)));
  return largest / windowS;
}

/** Mean over the last second: what a utility's meter shows. */
export function secondMeans(valuesW: Float64Array, stepS: number): Float64Array {
  const width = Math.round(1 / stepS);
  const means = new Float64Array(valuesW.length - width + 1);
  let sum = 0;
  for (let place = 0; place < valuesW.length; place += 1) {
    sum += valuesW[place] ?? 0;
    if (place >= width) sum -= valuesW[place - width] ?? 0;
    if (place >= width - 1) means[place - width + 1] = sum / width;
  }
  return means;
}

/** Fourier transform of any length in place: as a convolution of a power of two (Bluestein). */
function transform(real: Float64Array, imaginary: Float64Array): void {
  const count = real.length;
  let size = 1;
  while (size < 2 * count) size *= 2;
  const chirpReal = new Float64Array(count);
  const chirpImaginary = new Float64Array(count);
  for (let n = 0; n < count; n += 1) {
    // n² modulo 2·count keeps the angle exact.
    const angle = (Math.PI * Number((BigInt(n) * BigInt(n)) % BigInt(2 * count))) / count;
    chirpReal[n] = Math.cos(angle);
    chirpImaginary[n] = Math.sin(angle);
  }
  const a = { real: new Float64Array(size), imaginary: new Float64Array(size) };
  const b = { real: new Float64Array(size), imaginary: new Float64Array(size) };
  for (let n = 0; n < count; n += 1) {
    const c = chirpReal[n]!;
    const s = chirpImaginary[n]!;
    a.real[n] = real[n]! * c + imaginary[n]! * s;
    a.imaginary[n] = imaginary[n]! * c - real[n]! * s;
    b.real[n] = c;
    b.imaginary[n] = s;
    if (n > 0) {
      b.real[size - n] = c;
      b.imaginary[size - n] = s;
    }
  }
  powerOfTwo(a.real, a.imaginary);
  powerOfTwo(b.real, b.imaginary);
  for (let n = 0; n < size; n += 1) {
    const x = a.real[n]!;
    const y = a.imaginary[n]!;
    a.real[n] = x * b.real[n]! - y * b.imaginary[n]!;
    // Conjugated: the inverse is the transform of the conjugate.
    a.imaginary[n] = -(x * b.imaginary[n]! + y * b.real[n]!);
  }
  powerOfTwo(a.real, a.imaginary);
  for (let n = 0; n < count; n += 1) {
    const x = a.real[n]! / size;
    const y = -a.imaginary[n]! / size;
    real[n] = x * chirpReal[n]! + y * chirpImaginary[n]!;
    imaginary[n] = y * chirpReal[n]! - x * chirpImaginary[n]!;
  }
}

function powerOfTwo(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    [real[i], real[j]] = [real[j]!, real[i]!];
    [imaginary[i], imaginary[j]] = [imaginary[j]!, imaginary[i]!];
  }
  for (let width = 2; width <= size; width *= 2) {
    const half = width / 2;
    for (let k = 0; k < half; k += 1) {
      const c = Math.cos((2 * Math.PI * k) / width);
      const s = -Math.sin((2 * Math.PI * k) / width);
      for (let start = k; start < size; start += width) {
        const other = start + half;
        const x = real[other]! * c - imaginary[other]! * s;
        const y = real[other]! * s + imaginary[other]! * c;
        real[other] = real[start]! - x;
        imaginary[other] = imaginary[start]! - y;
        real[start] = real[start]! + x;
        imaginary[start] = imaginary[start]! + y;
      }
    }
  }
}
