/** Loads openid-client lazily, at the first sign-in with a provider. */
import type * as openid from 'openid-client'

export type OpenId = typeof openid

export function loadOpenId(): Promise<OpenId> {
  return import('openid-client')
}

/** Authenticates with Basic, the providers' default (RFC 8414, section 2; OpenID Connect Discovery 1.0, section 3). */
export function authenticationOf(secret: string | undefined, openid: OpenId): openid.ClientAuth {
  if (secret === undefined) return openid.None()
  const [basic, post] = [openid.ClientSecretBasic(secret), openid.ClientSecretPost(secret)]
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const authenticate = methods.includes('client_secret_basic') ? basic : post
    authenticate(server, client, body, headers)
  }
}
