// Cuts the types that `supabase gen types` writes down to some functions and lays them out.
// In: its output. Out: ours. Arguments: the functions' names.

import { readFileSync } from 'node:fs';
import ts from 'typescript';

const names = process.argv.slice(2).sort();
const source = ts.createSourceFile('types.ts', readFileSync(0, 'utf8'), ts.ScriptTarget.Latest, true);

const typeNamed = (name) => source.statements.find((one) => ts.isTypeAliasDeclaration(one) && one.name.text === name).type;
const memberNamed = (type, name) => type.members.find((one) => one.name.text === name).type;

/** Writes a type, a property a line, in the order of the alphabet. */
function write(type, indent) {
  if (ts.isArrayTypeNode(type)) return `${write(type.elementType, indent)}[]`;
  if (ts.isParenthesizedTypeNode(type)) return write(type.type, indent);
  if (!ts.isTypeLiteralNode(type)) return type.getText();
  if (type.members.length === 0) return 'Record<PropertyKey, never>';
  const lines = type.members.map(
    (one) => `${indent}  ${one.name.text}${one.questionToken ? '?' : ''}: ${write(one.type, `${indent}  `)};\n`,
  );
  return `{\n${lines.sort().join('')}${indent}}`;
}

const functions = memberNamed(memberNamed(typeNamed('Database'), 'public'), 'Functions');
const written = names.map((name) => `      ${name}: ${write(memberNamed(functions, name), '      ')};\n`);

process.stdout.write(`export type Json = ${typeNamed('Json').getText()};

export type Database = {
  public: {
    Tables: { [_ in never]: never };
    Views: { [_ in never]: never };
    Functions: {
${written.join('')}    };
    Enums: { [_ in never]: never };
    CompositeTypes: { [_ in never]: never };
  };
};
`);
