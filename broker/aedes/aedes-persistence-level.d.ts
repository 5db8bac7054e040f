declare module 'aedes-persistence-level' {
  /** @param database an open level database */
  export default function persistence(database: object): {
    setup(broker: object): Promise<void>
    incomingGetPacket(client: object, packet: object): Promise<unknown>
    addSubscriptions(client: object, subscriptions: object): Promise<unknown>
  }
}
