# cmake -DFILES=a;b -DOUTPUT=files.cpp -P embed.cmake: the files as bytes, for page.cpp.
set(code "#include \"supervisor/page/files.h\"\n\nnamespace reconciler::page {\n\nnamespace {\n\n")
set(table "")
foreach(path IN LISTS FILES)
  get_filename_component(name ${path} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  file(READ ${path} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND code "constexpr unsigned char ${identifier}[] = {${bytes}};\n")
  string(APPEND table "      {\"${name}\", as_text(${identifier}, sizeof ${identifier})},\n")
endforeach()
string(APPEND code "
std::string_view as_text(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::map<std::string, std::string_view> files() {
  return {
${table}  };
}

}  // namespace reconciler::page
")
file(WRITE ${OUTPUT} "${code}")
