package check
import ("testing";"time";"fmt";"sort";"os";"github.com/huntbook/huntbook/ruleset")
func TestZZ(t *testing.T){
 dirs:=[]string{}
 for _,d:=range []string{"rules","rules-compliance","rules-placeholder","rules-threat-hunting"} {dirs=append(dirs,"/work/shared/corpus/sigma/"+d)}
 if os.Getenv("ALL")!="" {dirs=append(dirs,"/work/shared/corpus/sigma/deprecated","/work/shared/corpus/sigma/unsupported")}
 s:=time.Now()
 set,err:=ruleset.Load(dirs,ruleset.Choice{})
 if err!=nil{t.Fatal(err)}
 a:=time.Since(s)
 r:=Run(set)
 fmt.Println(a,time.Since(s)-a,r.Files,r.Rules,len(r.Findings),r.Fixable())
 n:=map[string]int{}; ex:=map[string][]string{}
 for _,f:=range r.Findings{ n[f.Code]++; if len(ex[f.Code])<5||os.Getenv("CODE")==f.Code {ex[f.Code]=append(ex[f.Code],f.Error())}}
 var k []string; for c:=range n{k=append(k,c)}; sort.Slice(k,func(i,j int)bool{return n[k[i]]>n[k[j]]})
 for _,c:=range k{ if os.Getenv("CODE")==""||os.Getenv("CODE")==c { fmt.Println(n[c],c,Find(c).Severity); for _,e:=range ex[c]{fmt.Println("     ",e[len("/work/shared/corpus/sigma/"):])}}}
}
