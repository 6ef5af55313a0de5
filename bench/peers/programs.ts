/** Peers that are programs of their own: nginx and haproxy, one worker each, as a careful operator configures them. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, start } from '../lib/processes.ts'
import type { Peer, PeerPorts } from './peer.ts'

const FORWARDED = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-Id $request_id;`

export function nginxPrelude(folder: string): string {
  return `worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log crit;
events { worker_connections 8192; }`
}

export function nginxPaths(folder: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
}

function nginxConfig({ folder, listen, v1, v2 }: PeerPorts, mirrored: boolean): string {
  const mirror = mirrored ? `mirror /mirror; mirror_request_body off;` : ''
  const target = mirrored ? 'v1' : '$backend'
  return `${nginxPrelude(folder)}
http { access_log off; keepalive_requests 1000000000; ${nginxPaths(folder)}
  split_clients "\${http_x_user_id}" $backend { 10% v2; * v1; }
  upstream v1 { server 127.0.0.1:${v1}; keepalive 256; keepalive_requests 1000000000; }
  upstream v2 { server 127.0.0.1:${v2}; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${listen};
    location / { ${mirror} ${FORWARDED} proxy_pass http://${target}; }
    location = /mirror { internal; ${FORWARDED} proxy_pass http://v2$request_uri; }
  } }
`
}

export function nginx(): Peer {
  const program = findProgram('nginx')
  return {
    name: 'nginx',
    absent: program === null ? 'nginx is not installed' : null,
    mirrors: true,
    version: () =>
      spawnSync(program ?? 'nginx', ['-v'], { encoding: 'utf8' })
        .stderr.trim()
        .replace('nginx version: ', ''),
    start: (ports, mirrored) => {
      const file = join(ports.folder, 'nginx.conf')
      writeFileSync(file, nginxConfig(ports, mirrored))
      return start(program ?? 'nginx', ['-c', file, '-p', ports.folder])
    },
  }
}

function haproxyConfig({ listen, v1, v2 }: PeerPorts): string {
  return `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 30s
  option forwardfor
  http-reuse always
frontend in
  bind 127.0.0.1:${listen}
  http-request set-header X-Request-Id %[uuid()]
  use_backend v2 if { req.hdr(x-user-id),crc32(),mod(100) lt 10 }
  default_backend v1
backend v1
  server a 127.0.0.1:${v1}
backend v2
  server a 127.0.0.1:${v2}
`
}

export function haproxy(): Peer {
  const program = findProgram('haproxy')
  return {
    name: 'haproxy',
    absent: program === null ? 'haproxy is not installed' : null,
    mirrors: false,
    version: () => (spawnSync(program ?? 'haproxy', ['-v'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '').replace(/ - .*/, ''),
    start: (ports) => {
      const file = join(ports.folder, 'haproxy.cfg')
      writeFileSync(file, haproxyConfig(ports))
      return start(program ?? 'haproxy', ['-db', '-f', file])
    },
  }
}
