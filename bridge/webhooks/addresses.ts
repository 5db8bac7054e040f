/** The addresses that webhooks may call: public ones, and those that the operator allowed. */
import { BlockList, isIP, isIPv4 } from 'node:net'
import { isIn } from '../../common/networks.ts'

/** IPv4 that is not of the public Internet (RFC 6890 and its registry). */
const PRIVATE_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const

/**
 * Of IPv6, only global unicast is public: that leaves out loopback, mapped addresses, NAT64, unique local, link-local and
 * multicast.
 */
const GLOBAL_UNICAST = ['2000::', 3] as const
/** And not in there: Teredo and other protocols, documentation, 6to4, which holds an IPv4 address. */
const PRIVATE_IPV6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

const IPV4 = new BlockList()
for (const [network, bits] of PRIVATE_IPV4) IPV4.addSubnet(network, bits, 'ipv4')
const GLOBAL = new BlockList()
GLOBAL.addSubnet(...GLOBAL_UNICAST, 'ipv6')
const IPV6 = new BlockList()
for (const [network, bits] of PRIVATE_IPV6) IPV6.addSubnet(network, bits, 'ipv6')

function isPublic(address: string): boolean {
  if (isIPv4(address)) return !IPV4.check(address, 'ipv4')
  return GLOBAL.check(address, 'ipv6') && !IPV6.check(address, 'ipv6')
}

/** `networks`: those that are not public and allowed all the same. A text that is no address, or has a zone, is never. */
export function mayCall(address: string, networks: BlockList | undefined): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false
  return isPublic(address) || (networks !== undefined && isIn(networks, address))
}
