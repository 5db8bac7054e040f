/**
 * The state messages of a Mosquitto bridge: it publishes them to the remote broker and leaves one as its will, unless
 * configured not to.
 */

const BRIDGE_STATE = /^\$SYS\/broker\/connection\/[^/]+\/state$/

export function isBridgeState(topic: string): boolean {
  return BRIDGE_STATE.test(topic)
}
