import { MmsAssociation, TsEngine, type TsEngineTerms } from "./association.ts";
import type { AssociateOptions, Association, Engine } from "./engine.ts";
import { NativeChannel } from "./native-channel.ts";
import { NativeHost } from "./native-host.ts";

/**
 * libiec61850 as an engine, in a process of its own. Everything above single requests — packing,
 * the steps of a command, report control blocks — is the same code as over our own engine.
 */
export class NativeEngine implements Engine {
  readonly name = "libiec61850";
  readonly #terms: TsEngineTerms;
  readonly #host: NativeHost;

  constructor(host: NativeHost, terms: TsEngineTerms) {
    this.#host = host;
    this.#terms = terms;
  }

  /**
   * As every engine; LINK_REFUSED also when the library cannot be used, or cannot do what is asked
   * for, with the reason.
   */
  async associate(options: AssociateOptions, signal: AbortSignal): Promise<Association> {
    const parts = { ...this.#terms, host: this.#host, options };
    const channel = await NativeChannel.open(parts, signal);
    return new MmsAssociation(channel, this.#terms);
  }
}

/** What the site says about engines. */
export interface EngineSettings {
  /** Path of the shared library; undefined for our own engine. */
  readonly library: string | undefined;
}

/** Engines of one process: all that use the same library share its process. */
export class EngineChoice {
  readonly #terms: Omit<TsEngineTerms, "cache"> & { readonly random: () => number };
  readonly #hosts = new Map<string, NativeHost>();

  constructor(terms: Omit<TsEngineTerms, "cache"> & { readonly random: () => number }) {
    this.#terms = terms;
  }

  /** @param cache one per device */
  engineFor({ library }: EngineSettings, cache?: TsEngineTerms["cache"]): Engine {
    const { clock, wheel, random } = this.#terms;
    const terms = { clock, wheel, ...(cache === undefined ? {} : { cache }) };
    if (library === undefined) return new TsEngine(terms);
    let host = this.#hosts.get(library);
    if (host === undefined) {
      host = new NativeHost({ library, clock, wheel, random });
      this.#hosts.set(library, host);
    }
    return new NativeEngine(host, terms);
  }

  /** Ends what runs for the engines. */
  close(): void {
    for (const host of this.#hosts.values()) host.close();
    this.#hosts.clear();
  }
}
