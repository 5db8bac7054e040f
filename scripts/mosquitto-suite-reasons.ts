/** Tests of Mosquitto that are known to fail here, and why. */
export const REASONS: Readonly<Record<string, string>> = {}
