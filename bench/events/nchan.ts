/** nginx with the nchan module, if installed: one worker, in a directory of its own, in the foreground. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export interface Nginx {
  child: ChildProcess
  /** Removes its directory once it has exited. */
  remove(): void
}

const programDirs = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
const moduleDirs = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/usr/local/nginx/modules']
const readyWithinMs = 10_000

/** Returns undefined if nginx or its module is missing. */
export function nchan(): { start(port: number): Promise<Nginx> } | undefined {
  const program = find(programDirs, 'nginx')
  const module = find(moduleDirs, 'ngx_nchan_module.so')
  if (!program || !module) return undefined
  return { start: port => start(program, module, port) }
}

async function start(program: string, module: string, port: number): Promise<Nginx> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-nchan-'))
  const remove = () => rmSync(dir, { recursive: true, force: true })
  writeFileSync(join(dir, 'nginx.conf'), configuration(dir, module, port))
  const child = spawn(program, ['-c', join(dir, 'nginx.conf'), '-p', dir], { stdio: 'ignore' })
  const failed = once(child, 'exit').then(() => {
    const log = join(dir, 'error.log')
    throw new Error(`nginx ended: ${existsSync(log) ? readFileSync(log, 'utf8').slice(-500) : 'it wrote no log'}`)
  })
  try {
    await Promise.race([accepts(port), failed])
  } catch (error) {
    child.kill('SIGTERM')
    remove()
    throw error
  }
  return { child, remove }
}

/** Only root may name the worker's user; without it, the worker would run as `nobody` and could not read the directory. */
function configuration(dir: string, module: string, port: number): string {
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
load_module ${module};
daemon off;
${user}
worker_processes 1;
worker_rlimit_nofile 19990;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log error;
events { worker_connections 19900; }
http {
  access_log off;
  ${temporary.map(name => `${name}_temp_path ${dir}/${name};`).join(' ')}
  nchan_shared_memory_size 128M;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /events {
      nchan_subscriber eventsource;
      nchan_channel_id hub;
      nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval 15;
    }
    location = /pub {
      nchan_publisher http;
      nchan_channel_id hub;
      nchan_message_buffer_length 200;
      nchan_message_timeout 30s;
    }
  }
}
`
}

async function accepts(port: number): Promise<void> {
  for (const end = Date.now() + readyWithinMs; ; ) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (cause) {
      if (Date.now() > end) throw new Error('nginx does not listen', { cause })
      await wait(50)
    } finally {
      socket.destroy()
    }
  }
}

function find(dirs: string[], name: string): string | undefined {
  return dirs.map(dir => join(dir, name)).find(path => existsSync(path))
}
