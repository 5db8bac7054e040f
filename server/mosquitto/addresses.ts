/** Where a listener of a mosquitto.conf binds. */
import { lookup } from 'node:dns/promises'
import { isIPv4, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { ListenerConf } from '../../mosquitto-compat/index.ts'

export interface BindAddress {
  readonly host: string
  /** All addresses of this machine are of one family: the other one has a socket of its own. */
  readonly ipv6Only: boolean
  /** May be absent beside another one. */
  readonly optional: boolean
}

type Where = Pick<ListenerConf, 'host' | 'family' | 'networkInterface' | 'port'>

/** @throws Error that says what is wrong */
export async function bindAddressesOf({ host, family, networkInterface }: Where): Promise<readonly BindAddress[]> {
  if (networkInterface !== undefined) return ofInterface(networkInterface, host, family)
  if (host === undefined)
    return [
      { host: '0.0.0.0', ipv6Only: false, optional: false },
      { host: '::', ipv6Only: true, optional: true },
    ].filter((each) => fits(each.host, family))
  const found = await lookup(host, { all: true, ...(family === undefined ? {} : { family }) })
  return [...new Set(found.map(({ address }) => address))].map((address, index) => ({
    host: address,
    ipv6Only: isIPv6(address),
    optional: index > 0,
  }))
}

function ofInterface(name: string, host: string | undefined, family: 4 | 6 | undefined): BindAddress[] {
  const all = networkInterfaces()[name]
  if (all === undefined) throw new Error(`there is no network interface ${name}`)
  const addresses = all
    .filter(({ address }) => (host === undefined || address === host) && fits(address, family))
    .map(({ address, scopeid }, index) => ({
      host: scopeid === undefined || scopeid === 0 ? address : `${address}%${name}`,
      ipv6Only: isIPv6(address),
      optional: index > 0,
    }))
  if (addresses.length === 0) throw new Error(`the network interface ${name} has no such address`)
  return addresses
}

function fits(address: string, family: 4 | 6 | undefined): boolean {
  return family === undefined || (family === 4 ? isIPv4(address) : isIPv6(address))
}
