package app

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	longestFile     = 600 // lines
	longestFunction = 80
)

// long argues for each file and function that is longer than the rule.
func long() map[string]string { return map[string]string{} }

// mutable argues for each package-level variable that can change.
func mutable() map[string]string {
	return map[string]string{
		"db/dbtest.template": "a migrated file that all tests of a process copy: made once, when the first asks, and never changed",
	}
}

func generated(name string) bool { return strings.HasSuffix(name, "_templ.go") }

func TestFilesAndFunctionsAreShort(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	used := map[string]bool{}
	argued := func(name string) bool {
		used[name] = true
		return long()[name] != ""
	}
	for _, p := range parsePackages(t, set) {
		for name, f := range p.files {
			if generated(name) {
				continue
			}
			if n := set.File(f.FileStart).LineCount(); n > longestFile && !argued(p.path+"/"+name) {
				t.Errorf("%s/%s has %d lines: split it by noun, or argue for it", p.path, name, n)
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1; n > longestFunction && !argued(p.path+"."+fn.Name.Name) {
					t.Errorf("%s: %s has %d lines: give its parts names, or argue for it", set.Position(fn.Pos()), fn.Name.Name, n)
				}
			}
		}
	}
	for name := range long() {
		if !used[name] {
			t.Errorf("%s is argued for and short enough", name)
		}
	}
}

func TestNothingHappensBeforeMain(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	for _, p := range parsePackages(t, set) {
		for _, f := range p.files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s: an init function registers what app should", set.Position(fn.Pos()))
				}
			}
		}
	}
}

// No package keeps state: a variable at package level is a table or a sentinel.
// It is of no type that is there to change, and nothing ever writes to it.
func TestNoPackageKeepsState(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	used := map[string]bool{}
	report := func(name string, at token.Pos, what string) {
		if used[name] = true; mutable()[name] == "" {
			t.Errorf("%s: %s %s", set.Position(at), name, what)
		}
	}
	found := 0
	for _, p := range parsePackages(t, set) {
		pkg, info := resolve(set, p)
		for _, f := range p.files {
			for _, d := range f.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok || g.Tok != token.VAR {
					continue
				}
				for _, s := range g.Specs {
					v := s.(*ast.ValueSpec)
					found += len(v.Names)
					if what := changeable(v); what != "" {
						report(p.path+"."+v.Names[0].Name, v.Pos(), "is made of "+what)
					}
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				for _, e := range written(n) {
					if name := packageLevel(pkg, info, p.path, e); name != "" {
						report(name, e.Pos(), "is written to")
					}
				}
				return true
			})
		}
	}
	if found < 50 {
		t.Errorf("only %d variables found", found)
	}
	for name := range mutable() {
		if !used[name] {
			t.Errorf("%s is argued for and does not change", name)
		}
	}
}

// resolve finds what each name means. Imports stay unresolved; names of the
// package's own are not affected by that.
func resolve(set *token.FileSet, p sources) (*types.Package, *types.Info) {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	c := types.Config{Importer: nowhere{}, Error: func(error) {}}
	var files []*ast.File
	for _, f := range p.files {
		files = append(files, f)
	}
	pkg, _ := c.Check(p.path, set, files, info) // unresolved imports are its only errors
	return pkg, info
}

// nowhere resolves an import to an empty package of the right name.
type nowhere struct{}

func (nowhere) Import(name string) (*types.Package, error) {
	if name == "C" {
		return nil, errors.New("no C here")
	}
	pkg := types.NewPackage(name, path.Base(name))
	pkg.MarkComplete()
	return pkg, nil
}

// changeable names what a variable is made of that is there to change.
func changeable(v *ast.ValueSpec) (what string) {
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false // what a function makes while it runs is its own
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				break
			}
			name := x.Name + "." + n.Sel.Name
			if x.Name == "sync" || x.Name == "atomic" || name == "bytes.Buffer" || name == "strings.Builder" || name == "rand.New" {
				what = name
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "make" || f.Name == "new") {
				what = f.Name
			}
		case *ast.ChanType:
			what = "a channel"
		}
		return true
	}
	if v.Type != nil {
		ast.Inspect(v.Type, look)
	}
	for _, value := range v.Values {
		ast.Inspect(value, look)
	}
	return what
}

// written lists the expressions that a statement changes or lets others change.
func written(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		return n.Lhs
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		return slices.DeleteFunc([]ast.Expr{n.Key, n.Value}, func(e ast.Expr) bool { return e == nil })
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && (f.Name == "delete" || f.Name == "clear" || f.Name == "copy") {
			return n.Args[:1]
		}
	}
	return nil
}

// packageLevel is the variable that an expression is a part of, with the path of
// its package; "" if it belongs to a function.
func packageLevel(pkg *types.Package, info *types.Info, own string, e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok {
				if imported, ok := info.Uses[id].(*types.PkgName); ok {
					return strings.TrimPrefix(imported.Imported().Path(), "parley/internal/") + "." + x.Sel.Name
				}
			}
			e = x.X
		case *ast.Ident:
			if v, ok := info.Uses[x].(*types.Var); ok && v.Parent() == pkg.Scope() {
				return own + "." + x.Name
			}
			return ""
		default:
			return ""
		}
	}
}
