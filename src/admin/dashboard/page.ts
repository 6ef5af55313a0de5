/** Stands in for the dashboard until that is built: where the API is, and how to ask it. */
export const START_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Banyan</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}code{background:#eee;padding:.1em .3em}</style>
<h1>Banyan</h1>
<p>This is the gateway's admin port.</p>
<ul>
<li><a href="/api/v1/status">/api/v1/status</a>: routes, stages, weights, verdicts</li>
<li><a href="/api/v1/diffs">/api/v1/diffs</a>: where v2 answers differently</li>
<li><a href="/api/v1/audit">/api/v1/audit</a>: who changed what, when, why</li>
<li><a href="/metrics">/metrics</a>, <a href="/readyz">/readyz</a>, <a href="/healthz">/healthz</a></li>
</ul>
<p>In a terminal: <code>banyan status</code>, <code>banyan top</code>, <code>banyan rollback ROUTE</code>.</p>
</html>
`
