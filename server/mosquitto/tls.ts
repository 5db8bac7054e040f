/** TLS of a listener of a mosquitto.conf. */
import type { TlsSettings } from '../../index.ts'
import type { ListenerTls } from '../../mosquitto-compat/index.ts'

const NAMES = {
  certificate: 'certfile',
  key: 'keyfile',
  ca: 'cafile',
  caFolder: 'capath',
  crl: 'crlfile',
  ciphers: 'ciphers',
  ciphersTls13: 'ciphers_tls1.3',
}

export function tlsSettingsOf(tls: ListenerTls): TlsSettings {
  return {
    certificate: tls.certFile,
    key: tls.keyFile,
    ca: tls.caFile,
    caFolder: tls.caPath,
    crl: tls.crlFile,
    minimumVersion: tls.minimumVersion,
    clientAuth: tls.requireCertificate ? 'required' : 'none',
    checkClientDates: tls.checkClientDates,
    ciphers: tls.ciphers,
    ciphersTls13: tls.ciphersTls13,
    names: NAMES,
  }
}
