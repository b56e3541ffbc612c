/** Dovecot's configuration for tests; works as root and as any other user. */
import { execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'

export interface DovecotSettings {
  directory: string
  imapPort: number
  imapsPort: number
  maxConnectionsPerUser: number
  personalPrefix?: string
  publicPrefix?: string
  separator?: string
  moreUsers?: number
  quotaKib?: number
  oauth?: { mechanisms: string }
}

export function dovecotConfiguration({
  directory,
  imapPort,
  imapsPort,
  maxConnectionsPerUser,
  personalPrefix = '',
  publicPrefix,
  separator = '/',
  moreUsers = 0,
  quotaKib,
  oauth,
}: DovecotSettings): string {
  const isRoot = userInfo().uid === 0
  const me = userInfo().username
  const myGroup = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()
  const mailUser = isRoot ? 'nobody' : me
  const mailGroup = isRoot ? 'nogroup' : myGroup
  const folders = ['Drafts', 'Sent', 'Junk', 'Trash', 'Archive'].map(
    name => `  mailbox ${name} {\n    auto = subscribe\n    special_use = \\${name}\n  }\n`,
  )
  return `
base_dir = ${directory}/run
state_dir = ${directory}/state
log_path = ${directory}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <${directory}/cert.pem
ssl_key = <${directory}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login ${oauth?.mechanisms ?? ''}
auth_failure_delay = 0
default_internal_user = ${isRoot ? 'dovecot' : me}
default_internal_group = ${isRoot ? 'dovecot' : myGroup}
default_login_user = ${isRoot ? 'dovenull' : me}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${directory}/passwd
}
${oauth ? `passdb {\n  driver = oauth2\n  mechanisms = ${oauth.mechanisms}\n  args = ${directory}/oauth2.conf\n}\n` : ''}userdb {
  driver = static
  args = uid=${mailUser} gid=${mailGroup} home=${directory}/mail/%u
}
mail_location = maildir:~/Maildir
mail_uid = ${mailUser}
mail_gid = ${mailGroup}
first_valid_uid = 1
mailbox_list_index = yes
mail_fsync = never
# Where the system has no watch of files left for it, Dovecot looks itself, by default every 30 s.
mailbox_idle_check_interval = 1 secs
mail_max_userip_connections = ${maxConnectionsPerUser}
${quotaKib === undefined ? '' : quota(quotaKib)}
namespace inbox {
  inbox = yes
  prefix = ${personalPrefix}
  separator = ${separator}
${folders.join('')}}
${publicPrefix === undefined ? '' : publicNamespace(directory, publicPrefix, separator)}
service imap-login {
  inet_listener imap {
    port = ${imapPort}
  }
  inet_listener imaps {
    port = ${imapsPort}
    ssl = yes
  }
  chroot =
  # One process takes all logins, and one for mail goes on with the next: new ones for each, as by default, cost ten times as much.
  service_count = 0
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
service imap {
  process_limit = ${300 + 3 * moreUsers}
  service_count = 1000
}
`
}

function quota(kib: number): string {
  return `mail_plugins = quota
protocol imap {
  mail_plugins = quota imap_quota
}
plugin {
  quota = count:User quota
  quota_rule = *:storage=${kib}K:messages=100
  quota_grace = 0
  quota_vsizes = yes
}`
}

/** Configures the passdb that introspects tokens at an authorisation server (RFC 7662). */
export function tokenConfiguration(introspectionUrl: string): string {
  return `introspection_url = ${introspectionUrl}
introspection_mode = post
username_attribute = sub
active_attribute = active
active_value = true
`
}

function publicNamespace(directory: string, prefix: string, separator: string): string {
  return `namespace shared {
  type = public
  prefix = ${prefix}
  separator = ${separator}
  location = maildir:${directory}/mail/public
  list = yes
}`
}
