"""The rules stand beside this file, in *.lark."""
