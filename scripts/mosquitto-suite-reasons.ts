/** Tests of Mosquitto 2.1.2 that are known to fail here, and why. */

const MEMORY = 'it wants a broker of less than 20 MB: Node itself takes more'
const START = 'it gives the broker 0.1 s to start, and Node takes longer'
const LEVELS = 'a topic may have 100 levels here (PUSH_MAX_TOPIC_LEVELS), and not 200'
const TOO_LONG =
  'a topic of more than 100 levels is refused with 0x8F or 0x90, and the client is not disconnected with 0x81'
const UNKNOWN_ID =
  'it wants PUBREL and PUBCOMP for an unknown packet id to say success; here they say 0x92, Packet Identifier not found'
const CLIENT_ID = 'an empty client id is refused with 0x85, Client Identifier not valid, where it wants 0x80'
const ON_PUBLISH =
  'a QoS 2 message goes to its subscribers at its PUBLISH, as method B of section 4.3.3 has it, where it waits for PUBREL'
const HTTP_API = "it is about the HTTP API of Mosquitto's own dashboard"
const CONTROL = 'it is about control topics ($CONTROL), which are refused'
const SESSION_ENDS =
  'the session ends with its connection, and the will goes then [MQTT-3.1.3-9]; it waits for the whole will delay'
const TAKEN_OVER = 'a will without a delay goes when its session is taken over (MQTT 5, section 3.1.4); it wants none'
const ORDER =
  'properties go out by their numbers, where it wants the order in which they came; their order means nothing'
const TOTAL = 'it wants a packet of 41 bytes, fixed header included, where the client takes 40 (section 3.1.2.11.4)'
const ALERT = 'Node closes without a TLS alert that names the reason'
const ORIGIN = 'a page of a wrong origin is answered 403 before the connection closes; it wants nothing'
const USAGE = 'the text of -h is another one'
const CASE = 'it wants `Upgrade: WebSocket`, and gets `websocket`'
const STAYS = 'a broken file at SIGHUP leaves the former one in force; it wants the broker to end'
const TOLD = 'a will that is refused or malformed is answered with a CONNACK that says why; it wants none'

export const REASONS: Readonly<Record<string, string>> = {
  '01-bad-initial-packets.py': MEMORY,
  '01-connect-unix-socket.py': START,
  '01-connect-zero-length-id.py': CLIENT_ID,
  '02-subpub-qos0-long-topic.py': LEVELS,
  '02-subpub-qos2-max-inflight-bytes.py': ON_PUBLISH,
  '02-subpub-qos2.py': ON_PUBLISH,
  '02-subscribe-long-topic.py': TOO_LONG,
  '03-publish-c2b-disconnect-qos2.py': UNKNOWN_ID,
  '03-publish-long-topic.py': TOO_LONG,
  '03-publish-qos2-dup.py': ON_PUBLISH,
  '03-publish-qos2-reuse-mid.py': ON_PUBLISH,
  '07-will-control.py': TOLD,
  '07-will-delay-reconnect.py': SESSION_ENDS,
  '07-will-delay-recover.py': SESSION_ENDS,
  '07-will-delay.py': SESSION_ENDS,
  '07-will-invalid-utf8.py': TOLD,
  '07-will-properties.py': ORDER,
  '07-will-takeover.py': TAKEN_OVER,
  '08-ssl-connect-cert-auth-expired.py': ALERT,
  '08-ssl-connect-cert-auth-revoked.py': ALERT,
  '12-prop-maximum-packet-size-publish-qos1.py': TOTAL,
  '12-prop-maximum-packet-size-publish-qos2.py': TOTAL,
  '13-websocket-bad-origin.py': ORIGIN,
  '16-cmd-args.py': USAGE,
  '17-control-list-listeners.py': CONTROL,
  '17-control-missing-endpoint.py': CONTROL,
  '21-proxy-v2-websockets.py': CASE,
  '22-http-api-acl.py': HTTP_API,
  '22-http-api-api.py': HTTP_API,
  '22-http-api-auth.py': HTTP_API,
  '22-http-api-file.py': HTTP_API,
  '22-http-api-tls.py': HTTP_API,
  '23-security-acl-file-reload.py': STAYS,
  'msg_sequence_test.py': UNKNOWN_ID,
}
