/** Who answers an upgrade of an HTTP server: every listener is called for each, and exactly one of them has to. */
import type { IncomingMessage, Server } from 'node:http'

type Takes = (request: IncomingMessage) => boolean

/** What a listener of ours says of itself. */
const TAKES = Symbol('takes this upgrade')

/** Marks a listener of ours, with the requests that it answers. */
export function takingUpgrades<L extends object>(listener: L, takes: Takes): L {
  return Object.assign(listener, { [TAKES]: takes })
}

/** Marks a listener that only looks on. */
export function watchingUpgrades<L extends object>(listener: L): L {
  return Object.assign(listener, { [TAKES]: undefined })
}

/**
 * Whether a request that the listener does not take is for somebody else: another listener of ours, or any of the
 * embedder's. Where nobody takes it, the first of ours has to refuse it.
 */
export function isForOthers(server: Server, own: object, request: IncomingMessage): boolean {
  const listeners = server.listeners('upgrade')
  const ours = listeners.filter((each) => takesOf(each) !== undefined)
  const watching = listeners.filter((each) => TAKES in each && takesOf(each) === undefined)
  if (ours.length + watching.length < listeners.length) return true
  return ours.findIndex((each) => each === own) !== 0 || ours.some((each) => takesOf(each)?.(request))
}

function takesOf(listener: object): Takes | undefined {
  return (listener as { readonly [TAKES]?: Takes })[TAKES]
}
