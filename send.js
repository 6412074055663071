const a=require('@amplitude/analytics-node');
(async()=>{ await a.init('key',{serverUrl:'http://127.0.0.1:4190/2/httpapi',flushIntervalMillis:50}).promise;
 const r=await a.track('Node Event',{n:1},{user_id:'node-1'}).promise; console.log('node', r.code, r.message); await a.flush().promise; })();
