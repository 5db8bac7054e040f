/** Which node a connection goes to. */

/** Nodes take turns. */
export function inTurn(ports: readonly number[], turn: number): number {
  const port = ports[turn % ports.length]
  if (port === undefined) throw new Error('no node')
  return port
}

/**
 * Where a device goes with its nth return, as behind a load balancer that does not know where it was: with each, every
 * node keeps its share, and gets as many from each other one. Of two nodes, half of the devices move.
 */
export function afterReturns(ports: readonly number[], device: number, returns: number): number {
  return inTurn(ports, device + returns * Math.floor(device / ports.length))
}
