package jupyter

import "encoding/json"

// The contents of messages, as the protocol names their parts.

// KernelInfo says what a kernel is.
type KernelInfo struct {
	Status                string       `json:"status"`
	ProtocolVersion       string       `json:"protocol_version"`
	Implementation        string       `json:"implementation"`
	ImplementationVersion string       `json:"implementation_version"`
	LanguageInfo          LanguageInfo `json:"language_info"`
	Banner                string       `json:"banner"`
	HelpLinks             []HelpLink   `json:"help_links"`
	SupportedFeatures     []string     `json:"supported_features"`
}

// LanguageInfo says what a kernel's cells are written in.
type LanguageInfo struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	MIMEType      string `json:"mimetype"`
	FileExtension string `json:"file_extension"`
	// CodeMirrorMode is a name or an object with one.
	PygmentsLexer  string `json:"pygments_lexer,omitempty"`
	CodeMirrorMode any    `json:"codemirror_mode,omitempty"`
}

// HelpLink is a link of a front end's help menu.
type HelpLink struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// ExecuteRequest asks to run a cell.
type ExecuteRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    bool              `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      bool              `json:"allow_stdin"`
	StopOnError     bool              `json:"stop_on_error"`
}

// ExecuteReply says how running a cell ended.
type ExecuteReply struct {
	Status          string         `json:"status"` // "ok", "error" or "aborted"
	ExecutionCount  int            `json:"execution_count"`
	Ename           string         `json:"ename,omitempty"`
	Evalue          string         `json:"evalue,omitempty"`
	Traceback       []string       `json:"traceback,omitempty"`
	UserExpressions map[string]any `json:"user_expressions"`
	Payload         []any          `json:"payload"`
	// Incomplete says that the kernel never said that it is idle again, so that
	// outputs may be missing; it is no part of the message.
	Incomplete bool `json:"-"`
}

// Bundle is an output in several MIME types, of which a front end shows one.
type Bundle struct {
	Data      map[string]any `json:"data"`
	Metadata  map[string]any `json:"metadata"`
	Transient map[string]any `json:"transient,omitempty"`
	// ExecutionCount belongs to an execute_result.
	ExecutionCount int `json:"execution_count,omitempty"`
}

// Completions are what may stand in a cell between two places, in characters.
type Completions struct {
	Status      string         `json:"status"`
	Matches     []string       `json:"matches"`
	CursorStart int            `json:"cursor_start"`
	CursorEnd   int            `json:"cursor_end"`
	Metadata    map[string]any `json:"metadata"`
}

// Inspection is what is known of the thing in a cell.
type Inspection struct {
	Status   string         `json:"status"`
	Found    bool           `json:"found"`
	Data     map[string]any `json:"data"`
	Metadata map[string]any `json:"metadata"`
}

// Completeness says whether a cell can be run as it stands.
type Completeness struct {
	Status string `json:"status"` // "complete", "incomplete", "invalid" or "unknown"
	Indent string `json:"indent"`
}

// HistoryRequest asks for what was run.
type HistoryRequest struct {
	Output         bool   `json:"output"`
	Raw            bool   `json:"raw"`
	HistAccessType string `json:"hist_access_type"` // "range", "tail" or "search"
	Session        int    `json:"session"`
	Start          int    `json:"start"`
	Stop           int    `json:"stop"`
	N              int    `json:"n"`
	Pattern        string `json:"pattern"`
	Unique         bool   `json:"unique"`
}

// streamContent, errorContent and the others are contents that only this package reads
// and writes.
type (
	streamContent struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}
	errorContent struct {
		Ename     string   `json:"ename"`
		Evalue    string   `json:"evalue"`
		Traceback []string `json:"traceback"`
	}
	statusContent struct {
		State string `json:"execution_state"`
	}
	shutdownContent struct {
		Status  string `json:"status,omitempty"`
		Restart bool   `json:"restart"`
	}
	clearContent struct {
		Wait bool `json:"wait"`
	}
	codeContent struct {
		Code      string `json:"code"`
		CursorPos int    `json:"cursor_pos"`
	}
	inputContent struct {
		Code           string `json:"code"`
		ExecutionCount int    `json:"execution_count"`
	}
	replyStatus struct {
		Status string `json:"status"`
		Ename  string `json:"ename,omitempty"`
		Evalue string `json:"evalue,omitempty"`
	}
	historyReply struct {
		Status  string               `json:"status"`
		History [][3]json.RawMessage `json:"history"`
	}
)
