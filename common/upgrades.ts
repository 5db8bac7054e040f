/** Coordinates who answers an HTTP upgrade: every listener is called, and exactly one must answer. */
import type { IncomingMessage, Server } from 'node:http'

type Takes = (request: IncomingMessage) => boolean

/** What one of our listeners declares about itself. */
const TAKES = Symbol('takes this upgrade')

/** Marks one of our listeners, with the requests that it answers. */
export function takingUpgrades<L extends object>(listener: L, takes: Takes): L {
  return Object.assign(listener, { [TAKES]: takes })
}

/** Marks a listener that only observes. */
export function watchingUpgrades<L extends object>(listener: L): L {
  return Object.assign(listener, { [TAKES]: undefined })
}

/**
 * Whether a request that this listener does not handle is for another listener, ours or the embedder's. If nobody
 * handles it, the first of ours must refuse it.
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
