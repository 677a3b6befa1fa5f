// The live page: states, rates and loop delay on one time axis, drawn from /status twice a second. One file, no
// library.
#pragma once

namespace quoll::node {

inline constexpr const char* kLivePage = R"page(<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Quoll in Node</title>
<meta name="viewport" content="width=device-width">
<style>
body{font:15px system-ui,sans-serif;margin:2em auto;max-width:64em;padding:0 1em;background:#fbfbf9;color:#222}
h1{font-size:1.3em}table{border-collapse:collapse;width:100%}td,th{padding:.3em .6em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.closed{color:#18794e}.open,.forced_open{color:#cd2b31}.half_open{color:#ad5700}
#loop{padding:.5em .8em;border-radius:6px;background:#e6f6eb}#loop.blocked{background:#ffe5e5}canvas{width:100%;height:160px}
small{color:#666}@media(prefers-color-scheme:dark){body{background:#191918;color:#eee}td,th{border-color:#444}
#loop{background:#13321f}#loop.blocked{background:#4a1818}}
</style>
<h1>Quoll in Node</h1><p id="loop">waiting for the first answer</p>
<canvas id="chart" width="1000" height="160" role="img" aria-label="loop blockage and calls a second over the last minute"></canvas>
<small>grey: calls a second; green: rescued; red: timeouts; shaded: the loop stood still</small>
<table><thead><tr><th>circuit<th>state<th>calls<th>ok<th>failed<th>timeouts<th>rescued<th>inconclusive<th>refused<th>p50 ms<th>p99 ms</thead><tbody id="rows"></tbody></table>
<ul id="events"></ul>
<script>
const $=id=>document.getElementById(id),points=[];let last;
const cell=(row,text,kind)=>{const td=row.insertCell();td.textContent=text;if(kind)td.className=kind};
function draw(){const c=$('chart'),g=c.getContext('2d'),w=c.width,h=c.height,step=w/120;g.clearRect(0,0,w,h);
 const most=Math.max(1,...points.map(p=>p.calls));
 points.forEach((p,i)=>{const x=w-(points.length-i)*step;if(p.blocked){g.fillStyle='#cd2b3133';g.fillRect(x,0,step,h)}
  let y=h;for(const[v,k]of[[p.timeout,'#cd2b31'],[p.rescued,'#30a46c'],[p.calls-p.timeout-p.rescued,'#8b8d98']]){const t=Math.max(0,v)/most*h*.95;g.fillStyle=k;y-=t;g.fillRect(x,y,step-1,t)}})}
async function look(){try{const s=await(await fetch('/status')).json();
 $('loop').className=s.blocked_ms?'blocked':'';
 $('loop').textContent=s.blocked_ms?`The event loop has stood still for ${Math.round(s.blocked_ms)} ms, since ${s.blocked_since}`:
  `The event loop runs. Delay p50 ${s.loop_delay_ms.p50.toFixed(1)} ms, p99 ${s.loop_delay_ms.p99.toFixed(1)} ms, longest ${s.loop_delay_ms.max.toFixed(0)} ms. Requests let in ${s.admitted}, refused ${s.shed}.`;
 const rows=$('rows');rows.replaceChildren();const sum={calls:0,timeout:0,rescued:0};
 for(const c of s.circuits){const r=rows.insertRow();cell(r,c.name);cell(r,c.state,c.state);
  for(const k of['fires','success','failure','timeout','rescued','inconclusive','rejected'])cell(r,c[k]);cell(r,c.p50_ms.toFixed(1));cell(r,c.p99_ms.toFixed(1));
  sum.calls+=c.fires;sum.timeout+=c.timeout;sum.rescued+=c.rescued}
 if(last){points.push({calls:sum.calls-last.calls,timeout:sum.timeout-last.timeout,rescued:sum.rescued-last.rescued,blocked:s.blocked_ms>0});if(points.length>120)points.shift()}
 last=sum;draw();
 const list=s.circuits.flatMap(c=>c.transitions.map(t=>({...t,name:c.name}))).sort((a,b)=>a.at<b.at?1:-1).slice(0,12);
 $('events').replaceChildren(...list.map(t=>{const li=document.createElement('li');li.textContent=`${t.at} ${t.name} ${t.text}`;return li}));
}catch(e){$('loop').className='blocked';$('loop').textContent='no answer: '+e.message}
setTimeout(look,500)}
look();
</script></html>
)page";

}  // namespace quoll::node
