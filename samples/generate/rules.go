package main

import "fmt"

// ruleID is the UUID of a rule in samples/rules.
type ruleID string

const (
	officeStartsHost    ruleID = "7f0c5a34-1d7e-4a55-9c0b-2f6f1c9a4e01"
	encodedCommand      ruleID = "b6a0d0c2-6a1c-4a0e-8b53-0d1f6f5b7c02"
	encodedDownload     ruleID = "3d9b7e58-20a4-4f3c-9f1b-7b1f0a2c6d03"
	discovery           ruleID = "c18e2f70-94d5-4c7a-a6b0-51e0c6d8fa04"
	wmiStartsShell      ruleID = "5e7a1b9c-3f42-4d80-b7c6-8a90e4d21f05"
	directoryCopied     ruleID = "91c4d6e8-7b05-4e19-8d3a-f2b6a7c05e06"
	shadowCopiesDeleted ruleID = "e2f8a3b4-5c61-4f97-9a20-64d1b8e7c307"
	lsassOpened         ruleID = "0a6d9c1e-8e37-4b52-bf04-9c3e5d7f1a08"
	threadInLsass       ruleID = "d4b1e7f2-6903-4ac8-8e5d-1b7c2f9a6009"
	powershellInternet  ruleID = "68f3c0d5-a27b-4916-b1e8-3e4a5d6c7b10"
	runKeyInProfile     ruleID = "2b5e8d7a-c349-4f60-9d1c-7a8b9c0d1e11"
	settingsHijacked    ruleID = "f7c9a2e1-04b6-4d38-a5f7-6c5d4e3f2a12"
	scriptDownloads     ruleID = "84d2b6f0-1e9a-4c75-8f3b-0e1d2c3b4a13"
	parcelPipe          ruleID = "a9e4c7b3-5d08-4216-9c6a-5f4e3d2c1b14"
	wmiSubscription     ruleID = "1c7f5e9d-b832-4a64-8d0e-9b8a7c6d5e15"
	networkLogonFailed  ruleID = "563a8f1c-e7d4-4b09-a2c5-4d3c2b1a0f16"
	taskInPublicFolder  ruleID = "cb0e6d24-9f71-4385-b6d8-1a2b3c4d5e17"
	memberAddedToAdmins ruleID = "39d7a5c8-2064-4eb1-8f9c-6e7f8a9b0c18"
	securityLogCleared  ruleID = "f05b3c97-d18a-4269-9e47-2c3d4e5f6a19"
	serviceRunsShell    ruleID = "7284e0fb-4ac3-4d5e-b18f-8d9e0f1a2b20"
)

// rules are all of them with their titles, in the order of expected.tsv.
var rules = []struct {
	id    ruleID
	title string
}{
	{lsassOpened, "LSASS Memory Opened by an Unusual Program"},
	{directoryCopied, "Directory Database Written to Installation Media"},
	{parcelPipe, "Named Pipe of the Parcel Implant"},
	{officeStartsHost, "Office Document Starts a Script Host"},
	{encodedDownload, "Download Hidden in an Encoded Command"},
	{wmiStartsShell, "Shell Under the WMI Provider Host"},
	{settingsHijacked, "Settings Protocol Handler Taken Over in a User Hive"},
	{scriptDownloads, "Script Block Fetches Code With a Web Client"},
	{wmiSubscription, "Permanent WMI Subscription Registered"},
	{memberAddedToAdmins, "Account Joins the Local Administrators Group"},
	{securityLogCleared, "Security Log Emptied"},
	{serviceRunsShell, "New Service That Is a Shell Command"},
	{shadowCopiesDeleted, "Shadow Copies Removed Before Encryption"},
	{threadInLsass, "Foreign Thread Started Inside LSASS"},
	{encodedCommand, "PowerShell Given an Encoded Command"},
	{powershellInternet, "PowerShell Talks to a Public Address"},
	{runKeyInProfile, "Autostart Entry Points Into a User Profile"},
	{taskInPublicFolder, "Scheduled Task Runs From a Shared Folder"},
	{discovery, "Survey Commands Under PowerShell"},
	{networkLogonFailed, "Network Logon Refused"},
}

// expected is the table of findings: id, title, count.
func (w *world) expected() []byte {
	out := []byte("id\ttitle\tcount\n")
	for _, r := range rules {
		out = fmt.Appendf(out, "%s\t%s\t%d\n", r.id, r.title, w.found[r.id])
	}
	return out
}
