package serve

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/inspect"
	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/kernel"
)

// fake is an engine with one event, whose query "wait" lasts until it is interrupted.
type fake struct{ waiting chan struct{} }

func (f *fake) Open(context.Context, engine.Data) (engine.DataInfo, error) {
	return engine.DataInfo{Events: 1, Files: 1}, nil
}

func (f *fake) Run(ctx context.Context, q engine.Query) (*engine.Result, error) {
	if q.Lucene == "wait" {
		close(f.waiting)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &engine.Result{Count: 1, Title: "t", Fields: []string{"Image"}, Findings: []engine.Finding{
		{Source: "a.json", Record: 1, Event: []byte("{}"), Values: []engine.Field{{Name: "Own", Value: "x"}, {Name: "Image", Value: "y"}}},
	}}, nil
}

func (f *fake) Sample(context.Context) (*inspect.Report, error) {
	return &inspect.Report{Fields: []inspect.Field{
		{Name: "Image", Events: 9, Distinct: 2, Values: []inspect.Count{{Value: `C:\a b.exe`, Events: 5}, {Value: "it's*", Events: 4}}},
		{Name: "User", Events: 3, Distinct: 3, Values: []inspect.Count{{Value: "bob", Events: 2}, {Value: "no", Events: 1}, {Value: "", Events: 1}}},
		{Name: "user name", Events: 1},
	}}, nil
}

// prepared is a kernel with data open and results kept.
func prepared(t *testing.T) *Kernel {
	t.Helper()
	s := kernel.NewSession(&fake{})
	for _, cell := range []string{"%data x", "%shells = %lucene x", "%own = %last"} {
		if _, err := s.Execute(t.Context(), cell); err != nil {
			t.Fatal(err)
		}
	}
	return New(s, "1", func() (int64, int64) { return 0, 0 })
}

// at divides a cell at the mark of the cursor.
func at(code string) (string, int) {
	before, after, _ := strings.Cut(code, "‸")
	return before + after, len([]rune(before))
}

func TestComplete(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"logs/a.json", "logs/b c.zip", "rules.yml", ".hidden"} {
		if err := FilesBelow(".")(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	k := prepared(t)
	cases := []struct{ code, want string }{
		{"%ta‸", "%ta → %table"},
		{"  %TOP‸", "%TOP → %top"},
		{"%sh‸ | top", "%sh → %shells"},
		{"%%‸", "%% → %%sigma %%lucene"},
		{"%%l‸\nx", "%%l → %%lucene"},
		{"%lu‸", "%lu → %lucene"},
		{"rows = 5\n%%‸", "%% → "},
		{"r‸", "r → rows = "},
		{"rows = 5\ns‸", "s → since = "},
		{"%a = %s‸", "%s → %shells"},
		{"%a =‸", " → "},
		{"%table --r‸", "--r → --rows "},
		{"%data x --‸", "-- → --since  --until  --timezone  --index  --pipeline  --config "},
		{"%table --fields I‸", "I → Image"},
		{"%table --fields Image,u‸", "u → User user name"},
		{"%table --fields=Image,Ow‸", "Ow → Own"},
		{"%top --as v‸", "v → vega-lite"},
		{"%top u‸", "u → User 'user name'"},
		{"%last | to‸", "to → top"},
		{"%last |‸", " → table timeline top tree join csv json"},
		{"%a = %shells | join Image %‸", "% → %last %own %shells"},
		{"%last | join Us‸", "Us → User 'user name'"},
		{"%data lo‸", "lo → logs/"},
		{"%data logs/b‸", "logs/b → 'logs/b c.zip'"},
		{"%data logs/‸", "logs/ → logs/a.json 'logs/b c.zip'"},
		{"%data nowhere/‸", " → "},
		{"%lucene 'Im‸", "Im → Image:"},
		{"%a = %lucene 'User:b‸", "b → bob"},
		{"%%lucene\nUser:bob AND (im‸", "im → Image:"},
		{"%%lucene\nImage:‸", ` → "C:\\a b.exe" "it's*"`},
		{"%%lucene\nuser\\ n‸", ""},
		{"%%sigma\nti‸", "ti → title: "},
		{"%%sigma\nlevel: h‸", "h → high"},
		{"%%sigma\nlogsource:\n  c‸", "c → category: "},
		{"%%sigma\ntags:\n  - attack.imp‸", "attack.imp → attack.impact"},
		{"%%sigma\ntags:\n- attack.t1003.00‸", "attack.t1003.00 → attack.t1003.001 attack.t1003.002 attack.t1003.003 attack.t1003.004 attack.t1003.005 attack.t1003.006 attack.t1003.007 attack.t1003.008"},
		{"%%sigma\ndetection:\n  s:\n    - im‸", "im → Image"},
		{"%%sigma\ndetection:\n  s:\n    Image|endsw‸", "endsw → endswith"},
		{"%%sigma\ndetection:\n  s:\n    Image|all|re‸", "re → re"},
		{"%%sigma\ndetection:\n  s:\n    Image: ‸", `'C:\a b.exe' 'it''s\*'`},
		{"%%sigma\ndetection:\n  s:\n    user: ‸", "bob 'no' ''"},
		{"%%sigma\ndescription: x\n  im‸", ""},
		{"%%tabel\nx‸", ""},
		{"‸", "…"},
	}
	for _, c := range cases {
		code, cursor := at(c.code)
		got := k.Complete(code, cursor)
		word := string([]rune(code)[got.CursorStart:got.CursorEnd])
		text := word + " → " + strings.Join(got.Matches, " ")
		switch {
		case c.want == "…":
			if len(got.Matches) < 10 {
				t.Errorf("an empty cell: %s", text)
			}
			continue
		case !strings.Contains(c.want, "→"):
			text = strings.Join(got.Matches, " ")
		}
		if text != c.want || got.CursorEnd != cursor {
			t.Errorf("%q\n got %s\nwant %s", c.code, text, c.want)
		}
	}
	// Places that are none do no harm.
	for _, cursor := range []int{-5, 100} {
		k.Complete("%ta", cursor)
		k.Inspect("%ta", cursor)
	}
}

func TestInspect(t *testing.T) {
	k := prepared(t)
	rule := "%%sigma\ntitle: A <b>\nlogsource:\n  product: windows\ntags:\n  - attack.t1059.001\ndetection:\n  s:\n    Image|endswith: x\n  condition: s\nlevel: high\n"
	cases := []struct{ code, want string }{
		{"%ta‸ble --rows 5", "%table [--rows N] [--fields A,B]\n\nshows the findings as a table.\n"},
		{"%last | t‸op", "%top [FIELD…] [--n N] [--as FORM]\n\ndraws"},
		{"%%sig‸ma\nx", "%%sigma\n\nasks which events a Sigma rule matches.\n"},
		{"%shells‸", "%shells\n\n1 findings, 1 fetched\nof: t\nfields: Image"},
		{"%last‸", "%last\n\nis the result of the last query"},
		{"ro‸ws = 5", "rows\n\nthe number of rows in a table"},
		{"%top Im‸age", "Image\n\nin 9 events, 2 distinct values\n\n       5  C:\\a b.exe\n       4  it's*"},
		{"%top Own‸", "Own\n\n       1  x"},
		{"# t10‸03.001", "T1003.001 OS Credential Dumping: LSASS Memory\nhttps://attack.mitre.org/techniques/T1003/001/\n\ntechnique of ATT&CK"},
		{strings.Replace(rule, "t1059", "t10‸59", 1), "T1059.001 Command and Scripting Interpreter: PowerShell\n"},
		{"%%sigma\ntags:\n - attack.exe‸cution", "TA0002 Execution\n"},
		{strings.Replace(rule, "endswith", "ends‸with", 1), "endswith\n\n"},
		{strings.Replace(rule, "Image", "Ima‸ge", 1), "Image\n\nin 9 events"},
		{strings.Replace(rule, "title", "tit‸le", 1), "A <b>\n\nlevel: high\nlog source: windows\nATT&CK: T1059.001 Command and Scripting Interpreter: PowerShell"},
		{"%%sigma\ntit‸le: x\n", "a rule that can't be read\n\nline "},
		{"exe‸cution", ""},
		{"%nothing‸", ""},
		{"‸", ""},
		{"%%lucene\nx AND‸", ""},
	}
	for _, c := range cases {
		code, cursor := at(c.code)
		got := k.Inspect(code, cursor)
		text, _ := got.Data["text/plain"].(string)
		if got.Found != (c.want != "") || !strings.HasPrefix(text, c.want) {
			t.Errorf("%q\n got %q\nwant %q", c.code, text, c.want)
		}
		if page, _ := got.Data["text/html"].(string); strings.Contains(page, "<b>\n") || strings.Contains(page, "A <b>") {
			t.Errorf("%q: markup comes through: %s", c.code, page)
		}
	}
}

func TestIsComplete(t *testing.T) {
	k := prepared(t)
	for code, want := range map[string]string{
		"": "complete", "%table": "complete", "# x": "complete", "rows = 5": "complete", "%tabel": "complete",
		"import os": "invalid", "%data 'x": "invalid",
		"%%sigma": "incomplete", "%%sigma\ntitle: x": "incomplete", "%%sigma\ntitle: x\n": "incomplete", "%%sigma\ntitle: x\n\n": "complete",
	} {
		if got := k.IsComplete(code).Status; got != want {
			t.Errorf("%q is %s, want %s", code, got, want)
		}
	}
}

func TestFilesBelow(t *testing.T) {
	outside := t.TempDir()
	t.Chdir(t.TempDir())
	if err := os.Symlink(outside, "link"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.csv", "./a.csv", "b/c/d.json", "..a.csv"} {
		if err := FilesBelow(".")(name, []byte(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got, err := os.ReadFile(name); err != nil || string(got) != name {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"../a.csv", "/a.csv", filepath.Join(outside, "a.csv"), "link/a.csv", "b/../../a.csv", "file/a.csv", "b"} {
		if err := FilesBelow(".")(name, nil); err == nil || !strings.Contains(err.Error(), "is not written: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, err := filepath.Glob(".huntbook*")
	more, _ := filepath.Glob("*/.huntbook*")
	if err != nil || len(left)+len(more) > 0 {
		t.Errorf("left over are %q", append(left, more...))
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("written outside: %v", entries)
	}
}

// connected serves a kernel and connects to it.
func connected(t *testing.T, k *Kernel) *jupyter.Client {
	t.Helper()
	c, err := jupyter.NewConnection("huntbook")
	if err != nil {
		t.Fatal(err)
	}
	server, err := jupyter.NewServer(c, k)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { server.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done; c.Release() })
	client, err := jupyter.Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := client.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return client
}

func TestInterruptedCell(t *testing.T) {
	f := &fake{waiting: make(chan struct{})}
	c := connected(t, New(kernel.NewSession(f), "1", func() (int64, int64) { return 0, 0 }))
	interrupted := make(chan error, 1)
	go func() {
		<-f.waiting
		interrupted <- c.Request(t.Context(), "interrupt_request", struct{}{}, nil)
	}()
	r := &jupyter.Recorder{}
	reply, err := c.Execute(t.Context(), jupyter.ExecuteRequest{Code: "%data x\n%lucene wait"}, r.Take)
	if err := <-interrupted; err != nil {
		t.Error(err)
	}
	if err != nil || reply.Status != "error" || reply.Ename != "Interrupted" || len(r.Outputs) != 2 {
		t.Errorf("reply %+v, %v, outputs %+v", reply, err, r.Outputs)
	}
	// The kernel goes on, with the data that was open.
	reply, err = c.Execute(t.Context(), jupyter.ExecuteRequest{Code: "%lucene x"}, nil)
	if err != nil || reply.Status != "ok" {
		t.Errorf("then %+v, %v", reply, err)
	}
}

// A cell that takes long shows how far it is, and its outputs take that place.
func TestProgress(t *testing.T) {
	f := &fake{waiting: make(chan struct{})}
	c := connected(t, New(kernel.NewSession(f), "1", func() (int64, int64) { return 25, 100 }))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var kinds []string
	r := &jupyter.Recorder{Displays: jupyter.Displays{}}
	reply, err := c.Execute(ctx, jupyter.ExecuteRequest{Code: "%lucene wait"}, func(m *jupyter.Message) {
		r.Take(m)
		kinds = append(kinds, m.Header.MsgType)
		if m.Header.MsgType == "display_data" && !strings.Contains(string(m.Content), "25 % of the data read") {
			t.Errorf("it shows %s", m.Content)
		}
		if m.Header.MsgType == "update_display_data" {
			go func() { _ = c.Request(ctx, "interrupt_request", struct{}{}, nil) }()
		}
	})
	if err != nil || reply.Ename != "Interrupted" {
		t.Errorf("reply %+v, %v", reply, err)
	}
	if got := strings.Join(kinds, " "); !strings.HasPrefix(got, "status execute_input display_data update_display_data") || !strings.HasSuffix(got, "clear_output error status") {
		t.Errorf("messages %s", got)
	}
	if len(r.Outputs) != 1 {
		t.Errorf("left are %+v", r.Outputs)
	}
}

func TestInfo(t *testing.T) {
	info := prepared(t).Info()
	if info.LanguageInfo.Name != "huntbook" || info.ImplementationVersion != "1" || !strings.HasPrefix(info.LanguageInfo.FileExtension, ".") {
		t.Errorf("info %+v", info)
	}
}
