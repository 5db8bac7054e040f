/** What a bridge of Mosquitto tells the broker that it bridges to, and leaves as its will, unless it is told not to. */

const BRIDGE_STATE = /^\$SYS\/broker\/connection\/[^/]+\/state$/

export function isBridgeState(topic: string): boolean {
  return BRIDGE_STATE.test(topic)
}
