/** Proxy configurations that fix the findings of the connection doctor. Those for Traefik are untested. */

export type Remedy = 'buffering' | 'compression' | 'contentType' | 'cuts' | 'protocol' | 'clock'

export interface Prescription {
  /** The program they configure. */
  program: string
  /** Where in its configuration. */
  place: string
  lines: string
}

/** RustyMail's address, for a proxy on the same machine. */
const upstream = '127.0.0.1:9437'

/** Titles above the configurations. */
export const promises: Record<Remedy, string> = {
  buffering: 'How to fix it in a proxy',
  compression: 'How to fix it in a proxy',
  contentType: 'How to route a proxy to RustyMail',
  cuts: 'How to fix it in a proxy',
  protocol: 'How to enable HTTP/2 in a proxy',
  clock: 'How to fix it',
}

export const remedies: Record<Remedy, readonly Prescription[]> = {
  buffering: [
    {
      program: 'nginx',
      place: 'in the location that leads to RustyMail',
      lines: 'proxy_buffering off;\nproxy_cache off;',
    },
    {
      program: 'Caddy',
      // It flushes event streams by default. With flush_interval -1 it would keep the streams of disconnected clients.
      place: 'in the site, without buffer_responses, response_buffers or flush_interval',
      lines: `reverse_proxy ${upstream}`,
    },
    {
      program: 'Traefik',
      place: 'in the dynamic configuration (untried); take out any buffering middleware too',
      lines:
        'http:\n  services:\n    rustymail:\n      loadBalancer:\n        responseForwarding:\n          flushInterval: 1ms',
    },
  ],
  compression: [
    { program: 'nginx', place: 'in the location that leads to RustyMail', lines: 'gzip off;' },
    {
      program: 'Caddy',
      place: 'in the site, in place of a plain encode',
      lines:
        'encode zstd gzip {\n    match {\n        header Content-Type application/json*\n        header Content-Type text/css*\n' +
        '        header Content-Type text/html*\n        header Content-Type text/javascript*\n    }\n}',
    },
    {
      program: 'Traefik',
      place: 'in the dynamic configuration, at the compress middleware (untried)',
      lines:
        'http:\n  middlewares:\n    compress:\n      compress:\n        excludedContentTypes:\n          - text/event-stream',
    },
  ],
  contentType: [
    {
      program: 'nginx',
      place: 'in the server',
      lines:
        `location /api/ {\n    proxy_pass http://${upstream};\n    proxy_set_header Host $host;\n` +
        '    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n}',
    },
    {
      program: 'Caddy',
      // A bare reverse_proxy /api/* would be evaluated too late: try_files and respond come first, regardless of their
      // order in the file.
      place: 'as all that is in the site',
      lines: `handle /api/* {\n\treverse_proxy ${upstream}\n}\nhandle {\n\t# what was there before\n}`,
    },
    {
      program: 'Traefik',
      place: 'in the dynamic configuration (untried)',
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
      place: 'in the global options at the top; a read_timeout towards RustyMail must be more than 15 s',
      lines: '{\n\tservers {\n\t\ttimeouts {\n\t\t\twrite 1h\n\t\t}\n\t}\n}',
    },
    {
      program: 'Traefik',
      place: 'in the static configuration (untried); since 2.11.2 the read limit is 60 s unless set',
      lines:
        'entryPoints:\n  websecure:\n    transport:\n      respondingTimeouts:\n        readTimeout: 1h\n        writeTimeout: 1h',
    },
  ],
  protocol: [
    {
      program: 'nginx',
      place: 'in the server, beside its certificate; from 1.25.1 on it is: listen 443 ssl; http2 on;',
      lines: 'listen 443 ssl http2;',
    },
    {
      program: 'Caddy',
      place: 'as the site: HTTP/2 comes with HTTPS; put your own name',
      lines: `mail.example.com {\n\treverse_proxy ${upstream}\n}`,
    },
    {
      program: 'Traefik',
      place: 'in the static configuration (untried): HTTP/2 comes with TLS',
      lines: 'entryPoints:\n  websecure:\n    address: ":443"\n    http:\n      tls: {}',
    },
  ],
  clock: [{ program: 'Linux', place: 'on the machine whose clock is wrong', lines: 'timedatectl set-ntp true' }],
}
