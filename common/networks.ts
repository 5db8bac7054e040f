/** Addresses of peers, and the networks they are in. */
import { BlockList, isIP, isIPv4 } from 'node:net'

/** Converts an IPv4 address on an IPv6 socket to plain IPv4. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i.exec(address)
  if (mapped === null) return address
  const [, dotted, high = '', low = ''] = mapped
  if (dotted !== undefined) return dotted
  const value = Buffer.alloc(4)
  value.writeUInt16BE(Number.parseInt(high, 16), 0)
  value.writeUInt16BE(Number.parseInt(low, 16), 2)
  return [...value].join('.')
}

/** Parses addresses and networks such as `10.0.0.1,10.1.0.0/16`; undefined if one is invalid. */
export function parseNetworks(text: string): BlockList | undefined {
  const networks = new BlockList()
  for (const each of text.split(',').map((part) => part.trim())) {
    const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(each) ?? []
    if (isIP(address) === 0) return undefined
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    const most = family === 'ipv4' ? 32 : 128
    if (Number(bits ?? most) > most) return undefined
    networks.addSubnet(address, Number(bits ?? most), family)
  }
  return networks
}

/** True if `address` is in one of the networks. */
export function isIn(networks: BlockList, address: string): boolean {
  const plain = plainAddress(address)
  return isIP(plain) !== 0 && networks.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
}

/** A customer of an Internet provider usually gets a whole IPv6 /64 network, so that counts as one address. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':')
    while (groups.length + last.length < 8) groups.push('0')
    groups.push(...last)
  }
  return groups.slice(0, 4).join(':')
}
