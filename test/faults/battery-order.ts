/** A discharge of the battery group in the words of PSWD, as of now. */
export function batteryOrder(id: string, more: object): object {
  return {
    PSWD_version: "1.0",
    command_id: id,
    timestamp: new Date().toISOString(),
    command_type: "discharge",
    ...more,
  };
}
