import glob,yaml,sys,copy
from elastalert.loaders import FileRulesLoader
from elastalert.util import EAException
conf={'rules_folder':'ea','run_every':{'minutes':1},'buffer_time':{'minutes':5},'es_host':'localhost','es_port':9200,'scan_subdirectories':True,'disable_rules_on_error':True}
import datetime
conf2=dict(conf,run_every=datetime.timedelta(minutes=1),buffer_time=datetime.timedelta(minutes=5))
import argparse
args=argparse.Namespace(rule=None)
L=FileRulesLoader(conf2)
n=0;bad=0;names={};types={}
for f in glob.glob('ea/**/*.yml',recursive=True):
    for i,doc in enumerate(open(f).read().split('\n---\n')):
        open('/tmp/hb/lucene/one.yml','w').write(doc)
        try:
            r=L.load_configuration('/tmp/hb/lucene/one.yml',conf2,args); n+=1
            names.setdefault(r['name'],[]).append(f); types[str(type(r['type']).__name__)]=types.get(str(type(r['type']).__name__),0)+1
        except Exception as e:
            bad+=1
            if bad<6: print(f,str(e)[:400])
print(n,bad,types,[v for v in names.values() if len(v)>1][:5])
