package text_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/text"
)

var hints = text.Hints{
	Mentions: []text.MentionHint{
		{ID: "7", Acct: "ann", URL: "https://here.example/@ann"},
		{ID: "8", Acct: "bob@there.example", URL: "https://there.example/@bob"},
		{Acct: "cy@far.example", URL: "https://far.example/users/cy"},
	},
	Tags: []text.TagHint{{Name: "townhall", URL: "https://here.example/tags/townhall"}},
}

func TestHTML(t *testing.T) {
	t.Parallel()
	quoted := hints
	quoted.Quoted = true
	based := text.Hints{Base: "https://blog.example/2026/post"}
	for name, c := range map[string]struct {
		in    string
		hints text.Hints
		want  string
	}{
		"nothing":             {"", hints, ""},
		"plain":               {"Hello  you &amp; me", hints, "Hello you & me"},
		"paragraphs":          {"<p>One.</p><p>Two.<br>Three.<br/><br />Four.</p>", hints, "One.\n\nTwo.\nThree.\n\nFour."},
		"open paragraphs":     {"<p>One.<p>Two.", hints, "One.\n\nTwo."},
		"no space at the end": {"<p> a </p> <p>\n</p> ", hints, "a"},
		"no-break space":      {"<p>a&nbsp;b</p>", hints, "a\u00a0b"},
		"headline":            {"<h1>Title</h1>words<div>more</div>", hints, "Title\n\nwords\nmore"},
		"local mention":       {`<p><span class="h-card"><a href="https://here.example/@ann" class="u-url mention">@<span>ann</span></a></span> hi</p>`, hints, "[mention 7|@ann] hi"},
		"remote mention":      {`<a href="https://there.example/@bob" class="u-url mention">@<span>bob</span></a>!`, hints, "[mention 8|@bob@there.example]!"},
		"mention without id":  {`<a href="https://far.example/users/cy" class="mention">@cy</a>`, hints, "[mention https://far.example/users/cy|@cy@far.example]"},
		"other address":       {`<a href="https://there.example/users/Bob/" class="mention">@bob</a>`, hints, "[mention 8|@bob@there.example]"},
		"a lie about whom":    {`<a href="https://there.example/@bob" class="mention">@<b>mayor@city.example</b></a>`, hints, "[mention 8|@bob@there.example]"},
		"empty mention":       {`a <a href="https://there.example/@bob" class="mention"></a>`, hints, "a [mention 8|@bob@there.example]"},
		"unknown mention":     {`<a href="https://evil.example/@dan" class="mention">@<span>dan</span></a>`, hints, "[link https://evil.example/@dan|@dan]"},
		"tag":                 {`<a href="https://here.example/tags/townhall" class="mention hashtag" rel="tag">#<span>TownHall</span></a>`, hints, "[tag townhall|#TownHall]"},
		"tag from elsewhere":  {`<a href="https://there.example/tags/TownHall" rel="nofollow tag">#TownHall</a>`, hints, "[tag townhall|#TownHall]"},
		"a lie about a tag":   {`<a href="https://here.example/tags/townhall" class="hashtag">#Free</a>`, hints, "[tag townhall|#townhall]"},
		"unknown tag":         {`<a href="https://here.example/tags/x" class="hashtag">#x</a>`, hints, "[link https://here.example/tags/x|#x]"},
		"shortened address": {`<a href="https://www.example.org/a/very/long/path" rel="nofollow"><span class="invisible">https://www.</span><span class="ellipsis">example.org/a/very</span><span class="invisible">/long/path</span></a>.`,
			hints, "[link https://www.example.org/a/very/long/path|example.org/a/very…]."},
		"named link":        {`<a href="https://example.org/x">our  page</a>`, hints, "[link https://example.org/x|our page]"},
		"link of nothing":   {`see <a href="https://example.org/x"><img src="y"></a>`, hints, "see [link https://example.org/x|https://example.org/x]"},
		"a lie about where": {`<a href="https://evil.example/login">https://bank.example/login</a>`, hints, "[link https://evil.example/login|https://bank.example/login (evil.example)]"},
		"a bare lie":        {`<a href="https://evil.example/">bank.example</a>`, hints, "[link https://evil.example/|bank.example (evil.example)]"},
		"a name as host":    {`<a href="https://bank.example@evil.example/">https://bank.example@evil.example/</a>`, hints, "[link https://bank.example@evil.example/|https://bank.example@evil.example/ (evil.example)]"},
		"the same host":     {`<a href="https://www.EXAMPLE.org/a">Example.org</a>`, hints, "[link https://www.EXAMPLE.org/a|Example.org]"},
		"the same in puny":  {`<a href="https://xn--mnchen-3ya.example/">münchen.example</a>`, hints, "[link https://xn--mnchen-3ya.example/|münchen.example]"},
		"script address":    {`<a href="javascript:alert(1)">click</a> <a href=" JaVa&#9;Script:x">me</a> <a href="data:text/html,x">too</a>`, hints, "click me too"},
		"mail address":      {`<a href="mailto:a@b.example">write</a>`, hints, "write"},
		"relative, no base": {`<a href="/about">about</a>`, hints, "about"},
		"relative":          {`<a href="../about">about</a> <a href="//cdn.example/x">x</a>`, based, "[link https://blog.example/about|about] [link https://cdn.example/x|x]"},
		"hidden host":       {"<a href=\"https://exa\u202emple.org/\">x</a>", hints, "x"},
		"link in link":      {`<a href="https://a.example">a <a href="https://b.example">b</a>`, hints, "[link https://a.example|a] [link https://b.example|b]"},
		"script":            {`a<script>alert("<p>x</p>")</script><style>p{}</style>b<template>c</template>`, hints, "ab"},
		"no text":           {`a<iframe src="x">b</iframe><object><object>c</object>d</object><svg><text>e</text></svg><textarea>f</textarea><noscript>g</noscript>h<!-- i -->`, hints, "ah"},
		"picture":           {`a <img src="https://x.example/y.png" alt="a cat"> b`, hints, "a b"},
		"emoji":             {`so <img class="emoji" src="x" alt=":blob:"> good`, hints, "so :blob: good"},
		"quote":             {"<p>He said:</p><blockquote><p>One.</p><p>Two.</p></blockquote><p>No.</p>", hints, "He said:\n\n[quote|One.\n\nTwo.]\n\nNo."},
		"quote in quote":    {"<blockquote>a<blockquote>b</blockquote>c</blockquote>", hints, "[quote|a\n\nb\n\nc]"},
		"mention in quote":  {`<blockquote><a href="https://here.example/@ann" class="mention">@ann</a></blockquote>`, hints, "[quote|[mention 7|@ann]]"},
		"list":              {"<p>To do</p><ul><li>one</li><li>two<ul><li>half</li></ul></li></ul>", hints, "To do\n\n• one\n• two\n  • half"},
		"numbers":           {`<ol start="3"><li>c<li>d<li></li><li><p>f</p></li></ol>`, hints, "3. c\n4. d\n6. f"},
		"quoted list":       {"<blockquote><ul><li><b>one</b></li><li>two</li></ul></blockquote>", hints, "[quote|• one\n• two]"},
		"code":              {"run <code>go  test</code> now", hints, "run [code|go test] now"},
		"preformatted":      {"<pre><code>if x {\n\treturn\n}</code></pre>end", hints, "[code|if x {\n\treturn\n}]\n\nend"},
		"struck out":        {"we <del>never</del> <s>lie</s>", hints, "we [strike|never] [strike|lie]"},
		"struck-out link":   {`<del><a href="https://a.example/">a <code>b</code></a></del>`, hints, "[strike|[link https://a.example/|a b]]"},
		"table":             {"<table><tr><th>a<th>b</tr><tr><td>1</td><td>2</td></tr></table>", hints, "a b\n1 2"},
		"quote kept":        {`<p class="quote-inline">RE: <a href="https://x.example/1">https://x.example/1</a></p><p>Yes</p>`, hints, "RE: [link https://x.example/1|https://x.example/1]\n\nYes"},
		"quote stripped":    {`<p class="quote-inline">RE: <a href="https://x.example/1">https://x.example/1</a></p><p>Yes</p>`, quoted, "Yes"},
		"quote span":        {`Yes<span class="quote-inline"><br><br>RE: <a href="https://x.example/1">x</a></span>`, quoted, "Yes"},
		"open quote":        {`<p class="quote-inline">RE: x<p>Yes`, quoted, "Yes"},
		"entities":          {"&lt;script&gt; &#128512; &#0; &#x202e; &bogus;", hints, "<script> 😀 \ufffd \u202e &bogus;"},
		"controls":          {"a\x00b\x01c&#7;d\xffe", hints, "abcd\ufffde"},
		"bidi marks":        {"\u200fשלום\u200f", hints, "\u200fשלום\u200f"},
		"wrong order":       {"<del>a<b>b</del>c</b></p></div></blockquote>d", hints, "[strike|ab]c\n\nd"},
		"unknown tags":      {"<x-y>a</x-y><o:p>b</o:p>", hints, "ab"},
		"open at the end":   {`<p><a href="https://a.example/">a<del>b`, hints, "[link https://a.example/|ab]"},
		"broken tag":        {`a <a href="https://a.example/`, hints, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := text.HTML(c.in, c.hints)
			checkText(t, c.in, got)
			if s := spell(got); s != c.want {
				t.Errorf("\n got %q\nwant %q", s, c.want)
			}
		})
	}
}

func TestHTMLIsBounded(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"deep":       strings.Repeat("<blockquote><ul><li><del>", 100_000) + "x",
		"long":       strings.Repeat("words and ", 1_000_000),
		"one word":   strings.Repeat("漢", 2_000_000),
		"links":      strings.Repeat(`<a class="mention" href="https://there.example/@x">y</a> `, 70_000),
		"unclosed":   strings.Repeat("<a href='https://a.example'>x<p>", 100_000),
		"closed":     strings.Repeat("</p></div></a></del>", 200_000),
		"attributes": "<a " + strings.Repeat("x=y ", 1_000_000) + ">z</a>",
		"objects":    strings.Repeat("<object>", 500_000) + "x",
		"script":     "<script>" + strings.Repeat("<", 3_000_000),
		"spaces":     "<pre>" + strings.Repeat(" \n", 2_000_000) + "x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := text.HTML(in, hints)
			checkText(t, name, got)
			if len(got.Body) > text.MaxBody {
				t.Errorf("%d bytes, more than %d", len(got.Body), text.MaxBody)
			}
		})
	}
}

func TestHTMLProperties(t *testing.T) {
	t.Parallel()
	parts := rapid.SampledFrom([]string{
		"<p>", "</p>", "<br>", "<blockquote>", "</blockquote>", "<ul>", "<ol start=2>", "<li>", "</ul>", "<pre>", "</pre>",
		"<code>", "</code>", "<del>", "</del>", "<span class=invisible>", "<span class=ellipsis>", "</span>", "</a>",
		`<a href="https://a.example/x">`, `<a class=mention href="https://here.example/@ann">`, `<a rel=tag href="/tags/townhall">`,
		`<a href="https://x.example/tags/townhall" class=hashtag>`, "<p class=quote-inline>", "<script>", "</script>",
		"<img class=emoji alt='🙂 '>", " ", "\n", "a", "é", "漢", "@bob", "https://b.example", "&nbsp;", "&#10;", "\u202e", "<td>", "<div>",
	})
	rapid.Check(t, func(t *rapid.T) {
		in := strings.Join(rapid.SliceOfN(parts, 0, 40).Draw(t, "parts"), "")
		h := hints
		h.Quoted = rapid.Bool().Draw(t, "quoted")
		got := text.HTML(in, h)
		for _, s := range got.Spans {
			if s.End > len(got.Body) {
				t.Fatalf("%q: %+v", in, s)
			}
		}
		checkText(t, in, got)
	})
}

func FuzzHTML(f *testing.F) {
	f.Add(`<p>Hi <a href="https://here.example/@ann" class="mention">@<span>ann</span></a></p><blockquote>x<ul><li>y`, true)
	f.Add("<pre> a\n  b</pre><del><a href=//x>\xff&#0;</del>", false)
	f.Fuzz(func(t *testing.T, in string, quoted bool) {
		h := hints
		h.Quoted = quoted
		h.Base = "https://here.example/"
		got := text.HTML(in, h)
		checkText(t, in, got)
		if len(got.Body) > text.MaxBody {
			t.Fatalf("%d bytes", len(got.Body))
		}
		if b := strings.TrimLeft(got.Body, " \n\f"); len(b) != len(got.Body) && !strings.Contains(in, "<") {
			t.Fatalf("%q begins with white space", got.Body)
		}
		checkText(t, in, got.DisplaySafe())
	})
}
