import type { AlarmRecord } from "./alarm-record.ts";

export interface AckOrder {
  /** Id of an alarm, or `all`. */
  readonly id: string;
  /** Undefined: of every device. */
  readonly device: string | undefined;
  readonly by: string;
}

/** It is one of those that the order names. */
export function isMeant({ id, device }: AlarmRecord, order: AckOrder): boolean {
  if (order.id !== "all" && order.id !== id) return false;
  return order.device === undefined || order.device === device;
}
