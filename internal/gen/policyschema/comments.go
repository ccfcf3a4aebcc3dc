package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// source is what reflection cannot see of the types: comments and constants.
type source struct {
	types  map[string]string            // comment of a type
	fields map[string]map[string]string // comment of a field, by type
	words  map[string][]string          // values of the constants of a type
}

func readSource(path string) (*source, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("read the types: %w", err)
	}
	s := &source{types: map[string]string{}, fields: map[string]map[string]string{}, words: map[string][]string{}}
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.types[spec.Name.Name] = sentence(decl.Doc)
				s.fieldsOf(spec)
			case *ast.ValueSpec:
				if err := s.constant(spec); err != nil {
					return nil, err
				}
			}
		}
	}
	return s, nil
}

func (s *source) fieldsOf(spec *ast.TypeSpec) {
	st, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	out := map[string]string{}
	for _, f := range st.Fields.List {
		for _, n := range f.Names {
			if out[n.Name] = sentence(f.Doc); out[n.Name] == "" {
				out[n.Name] = sentence(f.Comment)
			}
		}
	}
	s.fields[spec.Name.Name] = out
}

func (s *source) constant(spec *ast.ValueSpec) error {
	typ, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return nil
	}
	lit, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return nil
	}
	word, err := strconv.Unquote(lit.Value)
	if err != nil {
		return fmt.Errorf("constant %s: %w", lit.Value, err)
	}
	s.words[typ.Name] = append(s.words[typ.Name], word)
	return nil
}

func sentence(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
