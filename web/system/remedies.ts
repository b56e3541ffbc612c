/** The lines of a proxy's configuration that mend what the connection doctor finds. */

export type Remedy = 'buffering' | 'compression' | 'contentType' | 'cuts' | 'protocol' | 'clock'

export interface Prescription {
  /** Whose configuration. */
  program: string
  /** Where in it. */
  place: string
  lines: string
}

/** RustyMail as a proxy beside it reaches it. */
const upstream = '127.0.0.1:9437'

/** What stands above the lines. */
export const promises: Record<Remedy, string> = {
  buffering: 'What mends it in a proxy between',
  compression: 'What mends it in a proxy between',
  contentType: 'What leads a proxy between to RustyMail',
  cuts: 'What mends it in a proxy between',
  protocol: 'How a proxy in front brings HTTP/2',
  clock: 'What mends it',
}

export const remedies: Record<Remedy, readonly Prescription[]> = {
  buffering: [
    {
      program: 'nginx',
      place: 'in the location that leads to RustyMail',
      lines: 'proxy_buffering off;\nproxy_cache off;',
    },
    { program: 'Caddy', place: 'in the site', lines: `reverse_proxy ${upstream} {\n\tflush_interval -1\n}` },
    {
      program: 'Traefik',
      place: 'in the dynamic configuration; take out any buffering middleware too',
      lines:
        'http:\n  services:\n    rustymail:\n      loadBalancer:\n        responseForwarding:\n          flushInterval: 1ms',
    },
  ],
  compression: [
    { program: 'nginx', place: 'in the location that leads to RustyMail', lines: 'gzip off;' },
    {
      program: 'Caddy',
      place: 'in the site, in place of a plain encode',
      lines: '@rest not path /api/dashboard/events\nencode @rest zstd gzip',
    },
    {
      program: 'Traefik',
      place: 'in the dynamic configuration, at the compress middleware',
      lines:
        'http:\n  middlewares:\n    compress:\n      compress:\n        excludedContentTypes:\n          - text/event-stream',
    },
  ],
  contentType: [
    {
      program: 'nginx',
      place: 'in the server',
      lines: `location /api/ {\n    proxy_pass http://${upstream};\n    proxy_set_header Host $host;\n}`,
    },
    { program: 'Caddy', place: 'in the site', lines: `reverse_proxy /api/* ${upstream}` },
    {
      program: 'Traefik',
      place: 'in the dynamic configuration',
      lines: 'http:\n  routers:\n    rustymail:\n      rule: PathPrefix(`/`)\n      service: rustymail',
    },
  ],
  cuts: [
    {
      program: 'nginx',
      place: 'in the location that leads to RustyMail',
      lines: 'proxy_http_version 1.1;\nproxy_set_header Connection "";\nproxy_read_timeout 1h;',
    },
    {
      program: 'Caddy',
      place: 'in the global options at the top',
      lines: '{\n\tservers {\n\t\ttimeouts {\n\t\t\twrite 1h\n\t\t}\n\t}\n}',
    },
    {
      program: 'Traefik',
      place: 'in the static configuration; since 2.11.2 the read limit is 60 s unless set',
      lines:
        'entryPoints:\n  websecure:\n    transport:\n      respondingTimeouts:\n        readTimeout: 1h\n        writeTimeout: 1h',
    },
  ],
  protocol: [
    { program: 'nginx', place: 'in the server (1.25.1 or newer)', lines: 'listen 443 ssl;\nhttp2 on;' },
    {
      program: 'Caddy',
      place: 'as the site: HTTP/2 comes with HTTPS; put your own name',
      lines: `mail.example.org {\n\treverse_proxy ${upstream}\n}`,
    },
    {
      program: 'Traefik',
      place: 'in the static configuration: HTTP/2 comes with TLS',
      lines: 'entryPoints:\n  websecure:\n    address: ":443"\n    http:\n      tls: {}',
    },
  ],
  clock: [{ program: 'Linux', place: 'on the machine whose clock is wrong', lines: 'timedatectl set-ntp true' }],
}
