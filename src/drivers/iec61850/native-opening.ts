import { GatewayError } from "../../domain/errors.ts";
import {
  DEFAULT_CALLED,
  DEFAULT_CALLING,
  DEFAULT_TRANSPORT_SELECTOR,
  type OsiAddress,
} from "../../wire/mms/association.ts";
import type { AssociateOptions } from "./engine.ts";
import type { NativeAddress, OpenOrder } from "./native-terms.ts";
import { proposed } from "./negotiation.ts";

/**
 * How libiec61850 is to associate.
 *
 * @throws GatewayError LINK_REFUSED when it cannot do what the options demand: it is never done
 *   with less
 */
export function openOrder(
  options: AssociateOptions,
  timeouts: Pick<OpenOrder, "connectTimeoutMs" | "requestTimeoutMs">,
): OpenOrder {
  const { host, port } = options;
  const refused = (reason: string) => new GatewayError("LINK_REFUSED", { host, port, reason });
  if (options.tls !== undefined) {
    throw refused("the native engine has no TLS: this device needs our own engine");
  }
  const password = passwordText(options.password);
  if (password === "unusable") throw refused("the native engine takes no password with a NUL");
  return {
    host,
    port,
    ...timeouts,
    pduOctets: proposed(options).pduOctets,
    calling: addressOf(options.calling ?? DEFAULT_CALLING, options.callingTransport),
    called: addressOf(options.called ?? DEFAULT_CALLED, options.calledTransport),
    ...(password === undefined ? {} : { password: password.text }),
  };
}

function addressOf(
  { presentation, session, entity }: OsiAddress,
  transport: Uint8Array = DEFAULT_TRANSPORT_SELECTOR,
): NativeAddress {
  return {
    title: entity.title ?? "",
    qualifier: entity.qualifier ?? 0,
    presentation: [...presentation],
    session: [...session],
    transport: [...transport],
  };
}

function passwordText(
  password: Uint8Array | undefined,
): { readonly text: string } | "unusable" | undefined {
  if (password === undefined) return undefined;
  if (password.includes(0)) return "unusable";
  return { text: new TextDecoder().decode(password) };
}
